"""The curve of a range test is read where the loss falls with the logarithm of the rate."""

import numpy as np
import pytest
import torch
from torch import Tensor

from lit_tricks.functional.range_test import local_lines, steepest, valley

RATES = torch.logspace(-6, 1, 100, dtype=torch.float64)


def curve(centre: float, noise: float = 0.0, seed: int = 0) -> Tensor:
    """Fall from 2.3 to 0.3 around ``centre``, symmetric over the logarithm of the rate, then explode."""
    generator = torch.Generator().manual_seed(seed)
    fall = 2.3 - 2 / (1 + (centre / RATES) ** 2)
    explosion = (RATES / (100 * centre)) ** 4
    return fall + explosion + noise * torch.randn(len(RATES), generator=generator, dtype=torch.float64)


def test_lines_are_the_weighted_least_squares_of_numpy() -> None:
    torch.manual_seed(0)
    values, width = torch.randn(30), 2.5
    levels, slopes = local_lines(values, width)
    for position in (0, 7, 29):
        distance = np.arange(30) - position
        weight = np.exp(-0.25 * (distance / width) ** 2)
        slope, level = np.polyfit(distance, values.double().numpy(), 1, w=weight)
        assert slopes[position].item() == pytest.approx(slope)
        assert levels[position].item() == pytest.approx(level)


def test_a_straight_line_stays_itself_up_to_its_ends() -> None:
    line = 3 - 0.5 * torch.arange(20, dtype=torch.float64)
    levels, slopes = local_lines(line, 4.0)
    torch.testing.assert_close(levels, line)
    torch.testing.assert_close(slopes, torch.full((20,), -0.5, dtype=torch.float64))


@pytest.mark.parametrize("centre", [1e-4, 3e-3, 0.05])
@pytest.mark.parametrize("seed", range(3))
def test_the_steepest_point_is_that_of_the_curve_without_its_noise(centre: float, seed: int) -> None:
    levels, slopes = local_lines(curve(centre, noise=0.1, seed=seed), 3.5)
    found = float(RATES[steepest(levels, slopes)])
    assert centre / 2 < found < centre * 2


@pytest.mark.parametrize("seed", range(3))
def test_a_slope_over_the_rate_itself_would_be_steepest_far_below(seed: int) -> None:
    _, slopes = local_lines(curve(0.05, noise=0.1, seed=seed), 3.5)
    over_rate = slopes / torch.gradient(RATES)[0]
    assert float(RATES[over_rate.argmin()]) < 0.05 / 20


def test_what_lies_beyond_the_lowest_point_does_not_count() -> None:
    values = torch.tensor([2.0, 1.9, 1.5, 1.0, 0.8, 5.0, 9.0, 3.0, 2.0])
    levels, slopes = local_lines(values, 0.5)
    assert int(slopes.argmin()) == 7
    assert steepest(levels, slopes) == 2


def test_the_valley_lies_half_way_from_the_rim_to_the_bottom() -> None:
    levels = torch.tensor([2.0, 2.01, 2.0, 1.97, 1.6, 1.2, 0.9, 0.5, 0.3, 0.2, 0.21, 4.0])
    # the rim, the last level above 95 % of the fall, is at 3, the bottom at 9
    assert valley(levels) == 6


def fastai_valley(losses: list[float]) -> int:
    """fastai's rule: the middle of the longest falling subsequence, counted back from its end."""
    lengths = [1] * len(losses)
    end = 0
    for i in range(1, len(losses)):
        for j in range(i):
            if losses[i] < losses[j] and lengths[i] < lengths[j] + 1:
                lengths[i] = lengths[j] + 1
            if lengths[end] < lengths[i]:
                end = i
    start = end - lengths[end]
    third = (end - start) / 3
    return start + int(third) + int(third / 2)


@pytest.mark.parametrize("centre", [3e-3, 0.05])
@pytest.mark.parametrize("seed", range(3))
def test_the_valley_lies_near_fastais(centre: float, seed: int) -> None:
    losses = curve(centre, noise=0.02, seed=seed)
    levels, _ = local_lines(losses, 3.5)
    theirs = float(RATES[fastai_valley(losses.tolist())])
    assert theirs / 6 < float(RATES[valley(levels)]) < theirs * 6


@pytest.mark.parametrize("centre", [1e-4, 3e-3, 0.05])
def test_the_valley_follows_the_curve(centre: float) -> None:
    levels, _ = local_lines(curve(centre, noise=0.05), 3.5)
    assert centre / 5 < float(RATES[valley(levels)]) < centre * 5
