"""What every random change of training examples has in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from torch import Tensor

from lit_tricks.errors import UserError

Drawn = tuple[np.ndarray, ...]


class Stage(IntEnum):
    """The order of changes, whatever the order they were chosen in."""

    GEOMETRY = 0
    COLOUR = 1
    OTHER = 2
    ERASING = 3
    MIXING = 4


class Transformation(ABC):
    """A random change of training examples, every example with random numbers of its own.

    Numbers are drawn batch by batch; a change is applied to several batches at once, because on small examples
    calling its operations costs more than their work. So ``apply`` may use only what gives an example the same
    bits in any company: sums, products, comparisons, gathers; whatever a vector unit approximates, such as a
    sine, belongs into ``draw``.
    """

    stage: Stage = Stage.OTHER

    @property
    @abstractmethod
    def neutral(self) -> bool:
        """Whether no example can ever change."""

    @abstractmethod
    def draw(self, size: int, rng: np.random.Generator) -> Drawn:
        """Return the parameters of one batch of ``size`` examples, arrays that may be joined to those of the next."""

    @abstractmethod
    def apply(self, x: Tensor, target: Tensor, drawn: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return changed examples and targets; the given ones stay as they are.

        Args:
            x: (N, *input_shape) ``float32``, in the range of the raw values.
            target: (N,) ``int64`` class indices or (N, K) ``float32`` class shares.
            drawn: what ``draw`` returned for each batch, joined along the first dimension.
        """


def image_size(input_shape: Sequence[int], who: str) -> tuple[int, int, int]:
    """Return channels, height and width; raise ``UserError`` when the examples are no images."""
    if len(input_shape) != 3:
        raise UserError(
            f"{who} changes images (channels, height, width); these examples have the shape {tuple(input_shape)}: "
            "try augmentation=mixup, which mixes examples of any kind, or augmentation=none"
        )
    channels, height, width = input_shape
    return channels, height, width


def check_within(key: str, value: float, low: float, high: float, instead: float, open_ends: str = "") -> None:
    """Raise ``UserError`` unless ``value`` lies between the bounds; ``(`` and ``)`` say which of them is excluded."""
    above = value > low if "(" in open_ends else value >= low
    below = value < high if ")" in open_ends else value <= high
    if not (above and below):
        left, right = "(" if "(" in open_ends else "[", ")" if ")" in open_ends else "]"
        raise UserError(
            f"augmentation.{key} must lie in {left}{low:g}, {high:g}{right}; received {value}: "
            f"try augmentation.{key}={instead:g}"
        )
