"""Where on the curve of a learning-rate range test the loss falls best."""

import torch
from torch import Tensor


def local_lines(values: Tensor, width: float) -> tuple[Tensor, Tensor]:
    """Return level and slope per step of the straight line that fits around each of ``values`` (N,), each (N,).

    Lines are least squares with Gaussian weights of standard deviation ``width`` steps, greater than 0 (Cleveland
    1979 with another kernel). Unlike a running mean they lag behind nothing and are not drawn flat at the ends, and
    their slopes need no differences of noisy neighbours. ``values`` are finite, N at least 2; results are float64.
    """
    y = values.double()
    distance = torch.arange(len(y), dtype=y.dtype) - torch.arange(len(y), dtype=y.dtype).unsqueeze(1)
    weight = torch.exp(-0.5 * (distance / width).square())
    s0, s1, s2 = weight.sum(1), (weight * distance).sum(1), (weight * distance.square()).sum(1)
    t0, t1 = weight @ y, (weight * distance) @ y
    determinant = s0 * s2 - s1.square()
    return (s2 * t0 - s1 * t1) / determinant, (s0 * t1 - s1 * t0) / determinant


def steepest(levels: Tensor, slopes: Tensor) -> int:
    """Return the position of the most negative slope (N,) up to the lowest of the ``levels`` (N,)."""
    return int(slopes[: int(levels.argmin()) + 1].argmin())


def valley(levels: Tensor) -> int:
    """Return the position half-way between where the fall of ``levels`` (N,) begins and its lowest point.

    It begins after the last level that keeps 95% of the fall before it. The rule needs no slope and suggests, unless
    the loss falls over many decades, lower rates than ``steepest``: about those of fastai's ``valley``, the middle of
    the longest falling subsequence.
    """
    lowest = int(levels.argmin())
    highest = levels[: lowest + 1].max()
    above = levels[: lowest + 1] >= highest - 0.05 * (highest - levels[lowest])
    return (int(above.nonzero().max()) + lowest) // 2
