"""Paired differences against scipy's own test."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_rel, wilcoxon

from lit_tricks.report.statistics import holm, paired_difference, paired_tests, pairs_needed


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


def test_the_tests_agree_with_scipy_and_with_every_change_of_signs() -> None:
    random = np.random.default_rng(1)
    before = random.normal(0.9, 0.01, 5)
    after = before + random.normal(0.006, 0.006, 5)
    found = paired_tests(before, after)
    differences = after - before
    signs = np.array(list(itertools.product((-1, 1), repeat=5)))
    means = (signs * differences).mean(axis=1)
    assert found.exact == "permutation"
    assert found.p_exact == pytest.approx(np.mean(np.abs(means) >= abs(differences.mean()) - 1e-15))
    assert found.p_t == pytest.approx(ttest_rel(after, before).pvalue)
    assert found.p == found.p_t
    assert found.deviation == pytest.approx(differences.std(ddof=1))
    # Hedges' correction of 4 degrees of freedom
    unbiased = math.gamma(2) / (math.sqrt(2) * math.gamma(1.5))
    assert found.effect == pytest.approx(differences.mean() / differences.std(ddof=1) * unbiased)


def test_many_pairs_are_ranked() -> None:
    random = np.random.default_rng(2)
    before, after = random.normal(0, 1, 20), random.normal(0.4, 1, 20)
    found = paired_tests(before, after)
    assert found.exact == "wilcoxon"
    assert found.p_exact == pytest.approx(wilcoxon(after, before, zero_method="pratt").pvalue)


@pytest.mark.parametrize("pairs", [1, 2, 5, 20])
def test_identical_runs_differ_by_nothing(pairs: int) -> None:
    values = list(np.linspace(0.8, 0.9, pairs))
    found, difference = paired_tests(values, values), paired_difference(values, values)
    assert (difference.mean, difference.detected) == (0.0, False)
    assert (found.p_t, found.effect, found.deviation) == (None, None, 0.0)
    assert found.p == (None if pairs == 1 else 1.0)


def test_differences_that_do_not_vary_leave_the_word_to_the_exact_test() -> None:
    """Their t would be infinite, of rounding alone."""
    found = paired_tests([0.1, 0.2, 0.3], [0.2, 0.3, 0.4])
    assert (found.p_t, found.p, found.effect) == (None, 2 / 2**3, None)


def test_two_pairs_have_no_effect_size() -> None:
    found = paired_tests([0.1, 0.2], [0.2, 0.35])
    assert found.effect is None
    assert found.p_exact == 0.5


def test_holm_multiplies_step_by_step() -> None:
    # by hand: .01 · 4, .013 · 3 raised to it, .03 · 2, .5 · 1
    assert holm([0.03, 0.01, 0.5, 0.013]) == pytest.approx([0.06, 0.04, 0.5, 0.04])
    assert holm([0.7, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


@pytest.mark.parametrize(("ratio", "pairs"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)])
def test_the_pairs_needed_are_those_of_power_tables(ratio: float, pairs: int) -> None:
    """Faul et al. 2007, G*Power: t test, difference between two dependent means, two tails, level 5%, power 80%."""
    assert pairs_needed(0.01 / ratio, 0.01) == pairs


def test_the_pairs_needed_see_the_difference_in_four_of_five_simulations() -> None:
    pairs = pairs_needed(0.02, 0.01)
    drawn = np.random.default_rng(0).normal(0.01, 0.02, (20_000, pairs))
    assert np.mean(ttest_1samp(drawn, 0.0, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.015)
    assert pairs_needed(0.0, 0.01) == 2
