"""Input scaling with the statistics of the training split."""

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from lit_tricks.data.masking import Region, check_inside
from lit_tricks.data.source import Examples
from lit_tricks.errors import UserError

How = Literal["minmax", "standard", "none"]

_CHUNK_VALUES = 2**18
_TINY = float(np.finfo(np.float32).tiny)


def check_how(how: str) -> None:
    """Raise ``UserError`` unless ``how`` is a way to normalise."""
    if how not in get_args(How):
        raise UserError(
            f"data.normalise must be one of {', '.join(get_args(How))}; received {how!r}: try data.normalise=standard"
        )


class Normaliser(nn.Module):
    """Maps raw inputs to ``(x - shift) * scale``, the same in training, validation, test and prediction.

    Both buffers are float32 of shape (1, *input_shape), so that they travel in the checkpoint and onto the device.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, shift: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("shift", shift)
        self.register_buffer("scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x``, (B, *input_shape) of any real dtype, normalised, in the buffers' dtype (float32)."""
        # The copy makes the steps in place safe; arithmetic across dtypes measured 15 times slower at batch 512.
        return x.to(self.shift.dtype, copy=True).sub_(self.shift).mul_(self.scale)

    @classmethod
    def empty(cls, input_shape: tuple[int, ...]) -> "Normaliser":
        """Return the identity for ``input_shape``, to be filled by ``load_state_dict``."""
        return cls(torch.zeros(1, *input_shape), torch.ones(1, *input_shape))

    @classmethod
    def fit(
        cls,
        x: Tensor | Examples,
        how: How,
        kind: Literal["image", "table"],
        value_range: tuple[float, float] | None = None,
    ) -> "Normaliser":
        """Return the normaliser that the training split ``x``, N ≥ 1 inputs of *input_shape, asks for.

        ``minmax`` maps a table's every feature to [0, 1]; for images it maps ``value_range`` (0 to 255 gives
        pixel/255), or the smallest and largest pixel of all where no range is known. ``standard`` gives every
        component (pixel or feature) mean 0 and standard deviation 1. ``none`` only converts to float32.
        A constant component becomes 0, with scale 1, as in scikit-learn.

        The standard deviation is the population's, as in scikit-learn's StandardScaler; lecture IANN-7 divides
        by N-1. Statistics are taken in float64, a quarter of a million values at a time.

        Raises ``UserError`` for an unknown ``how``.
        """
        check_how(how)
        shape = tuple(x.shape[1:])
        fitted = cls.empty(shape)
        if how == "none":
            return fitted
        if how == "minmax" and kind == "image":
            if value_range is None:
                least, most, _ = _first_pass(x)
                value_range = float(least.min()), float(most.max())
            low, high = (torch.full(shape, value, dtype=torch.float64) for value in value_range)
            centre, spread = low, high - low
        else:
            low, high, mean = _first_pass(x)
            centre, spread = (mean, _deviation(x, mean)) if how == "standard" else (low, high - low)
        constant = (low == high) | (spread < _TINY)
        fitted.shift.copy_(torch.where(constant, low, centre))
        fitted.scale.copy_(torch.where(constant, 1.0, 1.0 / spread))
        return fitted

    def mask(self, regions: Sequence[Region]) -> None:
        """Map the pixels of the regions to 0 for good, whatever an image shows there.

        It acts after augmentation, which carries what regions show to other places unless it hides them itself.
        Raises ``UserError`` unless the inputs are images that hold the regions.
        """
        check_inside(regions, self.scale.shape[1:])
        for top, left, height, width in regions:
            self.scale[..., top : top + height, left : left + width] = 0.0


def _pieces(x: Tensor | Examples) -> Iterable[Tensor]:
    if isinstance(x, Examples):
        return x.pieces(_CHUNK_VALUES)
    return x.split(max(1, _CHUNK_VALUES // max(1, x[0].numel())))


# Totals in place: keeping each piece's figures made the allocator leave 300 MB of gaps on MNIST.
def _first_pass(x: Tensor | Examples) -> tuple[Tensor, Tensor, Tensor]:
    """Return smallest, largest and mean value over the first dimension."""
    first = next(iter(_pieces(x)))[0]
    low, high, mean = first.clone(), first.clone(), torch.zeros(x.shape[1:], dtype=torch.float64)
    for piece in _pieces(x):
        least, most = piece.aminmax(dim=0)
        torch.minimum(low, least, out=low)
        torch.maximum(high, most, out=high)
        mean += piece.sum(0, dtype=torch.float64)
    return low.double(), high.double(), mean / len(x)


def _deviation(x: Tensor | Examples, mean: Tensor) -> Tensor:
    """Return the population standard deviation over the first dimension."""
    squares = torch.zeros(x.shape[1:], dtype=torch.float64)
    for piece in _pieces(x):
        squares += piece.double().sub_(mean).square_().sum(0)
    return (squares / len(x)).sqrt()
