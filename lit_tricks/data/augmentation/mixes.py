"""MixUp and CutMix: examples made from two, with the classes of both."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lit_tricks.data.augmentation.transformation import Drawn, Stage, Transformation, image_size
from lit_tricks.errors import UserError
from lit_tricks.functional.losses import soft_targets
from lit_tricks.functional.mixing import cut_mix, mix_up, patches


class Mix(Transformation):
    """Mixes each example with another of its batch, and the classes alike; the target becomes class shares.

    The share λ of an example itself is drawn from Beta(alpha, alpha), for every example anew, where the papers
    draw one for a batch. Partners are a random permutation of the batch, so some examples are their own.

    Args:
        num_classes: K.
        alpha: of the Beta distribution, at least 0; 0 mixes nothing, 1 is uniform.
        p: chance that an example is mixed, in [0, 1].

    Raises ``UserError`` for values out of range.
    """

    stage = Stage.MIXING

    def __init__(self, num_classes: int, alpha: float, p: float) -> None:
        name = type(self).__name__.lower()
        if not 0 <= alpha < float("inf"):
            raise UserError(
                f"augmentation.{name}.alpha must be at least 0; received {alpha}: try augmentation.{name}.alpha=0.2"
            )
        if not 0 <= p <= 1:
            raise UserError(f"augmentation.{name}.p must lie in [0, 1]; received {p}: try augmentation.{name}.p=0.5")
        self.num_classes = num_classes
        self.alpha = alpha
        self.p = p

    @property
    def neutral(self) -> bool:
        """Whether no example is ever mixed."""
        return not (self.alpha and self.p)

    def draw(self, size: int, rng: np.random.Generator) -> Drawn:
        """Return λ or the boxes, and each partner's distance in the batch, an ``int64`` array (size,)."""
        distance = rng.permutation(size) - np.arange(size)
        own = np.where(rng.random(size) < self.p, rng.beta(self.alpha, self.alpha, size), 1.0)
        return self._parts(own, rng), distance

    def apply(self, x: Tensor, target: Tensor, drawn: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the mixed examples (N, *input_shape) and their class shares (N, K) ``float32``."""
        parts, distance = drawn
        shares = soft_targets(target, self.num_classes, torch.float32)
        return self._mixed(x, shares, parts, torch.arange(len(x), device=x.device) + distance)

    @abstractmethod
    def _parts(self, own: np.ndarray, rng: np.random.Generator) -> np.ndarray: ...

    @abstractmethod
    def _mixed(self, x: Tensor, shares: Tensor, parts: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]: ...


class MixUp(Mix):
    """Adds examples of any kind, images or tables, weighted by λ and 1 - λ; see ``Mix`` and ``mix_up``.

    Of λ and 1 - λ, which are equally likely, the larger counts for the example itself: so a batch holds no pair
    twice, and an example's own class stays its largest, which the training accuracy is counted by.
    """

    def __init__(self, num_classes: int, alpha: float = 0.2, p: float = 1.0) -> None:
        super().__init__(num_classes, alpha, p)

    def _parts(self, own: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.maximum(own, 1.0 - own).astype(np.float32)

    def _mixed(self, x: Tensor, shares: Tensor, parts: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]:
        return mix_up(x, shares, parts, partner)


class CutMix(Mix):
    """Puts a patch of one image into another; the classes count by exact area; see ``Mix`` and ``cut_mix``."""

    def __init__(self, input_shape: Sequence[int], num_classes: int, alpha: float = 1.0, p: float = 0.5) -> None:
        super().__init__(num_classes, alpha, p)
        _, self._height, self._width = image_size(input_shape, "augmentation.cutmix")

    def _parts(self, own: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        centre = (rng.random((2, len(own))) * [[self._height], [self._width]]).astype(np.int64)
        return patches(own, centre, self._height, self._width)

    def _mixed(self, x: Tensor, shares: Tensor, parts: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]:
        return cut_mix(x, shares, parts, partner)
