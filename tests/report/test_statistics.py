"""Paired differences against scipy's own test."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_rel

from lit_tricks.report.statistics import paired_difference


@pytest.mark.parametrize("pairs", [2, 5, 30])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_is_that_of_the_paired_t_test(pairs: int, confidence: float) -> None:
    random = np.random.default_rng(pairs)
    before, after = random.normal(0.9, 0.01, pairs), random.normal(0.91, 0.01, pairs)
    found = paired_difference(list(before), list(after), confidence)
    interval = ttest_rel(after, before).confidence_interval(confidence)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.mean == pytest.approx(np.mean(after - before))
    assert found.pairs == pairs
    assert found.detected == (ttest_rel(after, before).pvalue < 1 - confidence)


def test_equal_values_differ_by_nothing_and_constant_differences_are_certain() -> None:
    assert not paired_difference([0.5, 0.6], [0.5, 0.6]).detected
    assert paired_difference([0.5, 0.75], [0.75, 1.0]).detected


def test_one_pair_shows_nothing() -> None:
    found = paired_difference([0.5], [0.9])
    assert (found.low, found.high, found.detected) == (-math.inf, math.inf, False)


@pytest.mark.parametrize(("before", "after"), [([], []), ([0.1], [0.1, 0.2])])
def test_values_must_be_paired(before: list[float], after: list[float]) -> None:
    with pytest.raises(ValueError, match="equally many values"):
        paired_difference(before, after)
