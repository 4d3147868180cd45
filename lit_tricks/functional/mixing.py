"""Pairs of examples made into one: MixUp and CutMix.

Shapes throughout: ``x`` (N, ...) floating; ``shares`` (N, K) floating class shares; ``partner`` (N,) ``int64``, whom
each example is mixed with; ``boxes`` (N, 4) ``int64`` top, left, bottom and right edge, the last two excluded. Every
result depends on the example and its partner alone, to the last bit, however many others there are.
"""

import numpy as np
import torch
from torch import Tensor


def mix_up(x: Tensor, shares: Tensor, own: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]:
    """Return λ x + (1 - λ) x[partner], and the class shares mixed likewise; ``own`` (N,) is each example's λ.

    Zhang et al. 2018, "mixup: Beyond empirical risk minimization", equation 1.
    """
    return _blend(x, own, partner), _blend(shares, own, partner)


def cut_mix(x: Tensor, shares: Tensor, boxes: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]:
    """Return images (N, C, H, W) with the partner's pixels inside ``boxes``, and class shares by exact area.

    Yun et al. 2019, "CutMix", equation 1, with λ as in their code: one minus the share of pixels replaced.
    """
    height, width = x.shape[-2:]
    replaced = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    own = (height * width - replaced).to(shares.dtype) / (height * width)
    mixed = torch.where(inside(boxes, height, width), x.index_select(0, partner), x)
    return mixed, _blend(shares, own, partner)


def inside(boxes: Tensor, height: int, width: int) -> Tensor:
    """Return a mask (N, 1, ``height``, ``width``) of the pixels inside each box."""
    top, left, bottom, right = (edge[:, None] for edge in boxes.unbind(1))
    rows, columns = torch.arange(height, device=boxes.device), torch.arange(width, device=boxes.device)
    down, across = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
    return (down[:, :, None] & across[:, None, :]).unsqueeze(1)


def patches(own: np.ndarray, centre: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return CutMix's boxes (N, 4): sides √(1-λ) of the image's, rounded down, about ``centre`` and clipped.

    ``own`` (N,) is λ in [0, 1], ``centre`` (2, N) the pixel row and column.
    """
    image = np.array([[height], [width]])
    sides = (np.sqrt(1.0 - own) * image).astype(np.int64)
    start = centre - sides // 2
    return np.concatenate([np.maximum(start, 0), np.minimum(start + sides, image)]).T


def _blend(values: Tensor, own: Tensor, partner: Tensor) -> Tensor:
    own = own.view(-1, *[1] * (values.ndim - 1))
    return values * own + values.index_select(0, partner) * (1.0 - own)
