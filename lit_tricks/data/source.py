"""The contract between one kind of raw data and the general data module."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs with their labels: a store, or a view of some of its rows that copies nothing.

    Attributes:
        inputs: the store, (M, *input_shape), ``uint8`` for images, ``float32`` otherwise, never normalised; it may
            be mapped from a file, and then cannot be written to.
        labels: (M,) ``int64`` class indices of the store's rows.
        rows: (N,) ``int64`` positions in the store; None is all of them.
        cast: dtype that inputs get when they are gathered; None leaves them as the store has them.
    """

    inputs: Tensor
    labels: Tensor
    rows: Tensor | None = None
    cast: torch.dtype | None = None

    def __len__(self) -> int:
        return len(self.labels if self.rows is None else self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all inputs, (N, *input_shape)."""
        return (len(self), *self.inputs.shape[1:])

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the inputs as they are handed out."""
        return self.cast or self.inputs.dtype

    @property
    def x(self) -> Tensor:
        """All inputs, (N, *input_shape): the store itself, or a copy where it is not all of it or converted."""
        return self._converted(self.inputs if self.rows is None else self.inputs.index_select(0, self.rows))

    @property
    def y(self) -> Tensor:
        """All labels, (N,) ``int64``, a copy unless all rows are meant."""
        return self.labels if self.rows is None else self.labels.index_select(0, self.rows)

    def take(self, positions: np.ndarray) -> "Examples":
        """Return a view of the examples at ``positions``, N' integers in [0, N), in their order."""
        return replace(self, rows=self.locate(torch.as_tensor(positions, dtype=torch.int64)))

    def locate(self, positions: Tensor) -> Tensor:
        """Return the index that ``gather`` takes for ``positions``, ``int64`` (N',) on the CPU."""
        located = positions if self.rows is None else self.rows.index_select(0, positions)
        return located.to(self.inputs.device)

    def gather(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs (N', *input_shape) and labels (N',) at an ``index`` from ``locate``, always a copy."""
        return self._converted(self.inputs.index_select(0, index)), self.labels.index_select(0, index)

    def pieces(self, values: int) -> Iterator[Tensor]:
        """Yield the inputs in order, at most ``values`` single values at a time but at least one example."""
        size = max(1, values // max(1, math.prod(self.shape[1:])))
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            inputs = self.inputs[part] if self.rows is None else self.inputs.index_select(0, self.rows[part])
            yield self._converted(inputs)

    def _converted(self, inputs: Tensor) -> Tensor:
        return inputs if self.cast is None else inputs.to(self.cast)


@dataclass
class Loaded:
    """Everything a source read.

    Attributes:
        train: the examples that training and validation are drawn from.
        test: the official test split, or None when one has to be drawn.
        class_names: one per class.
        value_range: smallest and largest possible raw input, None when unbounded.
        encoding: primitives that prediction needs to read files the same way.
        thinned_by: the knob, with its value, by which the source has thinned a class already; None for none.
    """

    train: Examples
    test: Examples | None
    class_names: tuple[str, ...]
    value_range: tuple[float, float] | None = None
    encoding: dict[str, Any] = field(default_factory=dict)
    thinned_by: str | None = None


class Source(ABC):
    """Reads one kind of raw data; a subclass does nothing else.

    ``name`` is the word in the configuration, or what a user's own data is called; ``kind`` is ``image`` or
    ``table``.
    """

    name: str
    kind: Literal["image", "table"]

    def prepare(self) -> None:  # noqa: B027 (most sources have nothing to fetch)
        """Fetch what has to be on disk; called once per machine before ``load``."""

    @abstractmethod
    def load(self) -> Loaded:
        """Return the raw data; raises ``UserError`` for what the user can mend."""

    def encode(self, loaded: Loaded, train_rows: np.ndarray) -> Loaded:
        """Return ``loaded`` with inputs encoded by statistics of ``loaded.train[train_rows]`` alone.

        Tables fit their category and missing-value encoders here; other sources need nothing.
        """
        return loaded


def named_after(path: str | Path | None, otherwise: str) -> str:
    """Return the name of a user's data: that of its folder, or of its file without suffix."""
    if path is None or not str(path).strip():
        return otherwise
    place = Path(path).expanduser().resolve()
    return (place.name if place.is_dir() else place.stem) or otherwise
