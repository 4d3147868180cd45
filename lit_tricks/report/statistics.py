"""What differences between paired runs amount to, and how sure that is."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PairedDifference:
    """The mean difference of paired values with its interval.

    Attributes:
        mean: of ``treated - baseline``.
        low: lower end of the interval, ``-inf`` for a single pair.
        high: upper end, ``inf`` for a single pair.
        pairs: how many.
    """

    mean: float
    low: float
    high: float
    pairs: int

    @property
    def detected(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def paired_difference(
    baseline: Sequence[float], treated: Sequence[float], confidence: float = 0.95
) -> PairedDifference:
    """Return the mean of ``treated - baseline`` with Student's interval.

    Args:
        baseline: one value a pair, finite.
        treated: the same pairs in the same order.
        confidence: between 0 and 1.

    Raises ``ValueError`` for unequal numbers of values and for none.
    """
    from scipy.stats import t

    if len(baseline) != len(treated) or not baseline:
        raise ValueError(f"pairs need equally many values of both; received {len(baseline)} and {len(treated)}")
    differences = [after - before for before, after in zip(baseline, treated, strict=True)]
    mean, pairs = statistics.fmean(differences), len(differences)
    if pairs == 1:
        return PairedDifference(mean, -math.inf, math.inf, pairs)
    error = statistics.stdev(differences) / math.sqrt(pairs)
    reach = float(t.ppf((1 + confidence) / 2, pairs - 1)) * error
    return PairedDifference(mean, mean - reach, mean + reach, pairs)


# sign changes are enumerated up to this many pairs, 4,096 of them
MOST_EXACT = 12
# differences closer than this are rounding of equal ones
RESOLUTION = 1e-12


@dataclass(frozen=True)
class PairedTests:
    """How surely paired values differ, and by how many of their own standard deviations.

    Attributes:
        p_t: of the paired t test, which agrees with the interval of ``paired_difference``; None where the differences
            do not vary, when it is not defined.
        p_exact: of the test that assumes no distribution; None for a single pair.
        exact: its name, ``permutation`` up to 12 pairs, else ``wilcoxon``.
        effect: Hedges' g of the differences; None below 3 pairs and where they do not vary.
        deviation: the standard deviation of the differences, 0 for a single pair.
    """

    p_t: float | None
    p_exact: float | None
    exact: str
    effect: float | None
    deviation: float

    @property
    def p(self) -> float | None:
        """The value that a verdict is read from: that of the t test, where it is defined."""
        return self.p_exact if self.p_t is None else self.p_t


def paired_tests(baseline: Sequence[float], treated: Sequence[float]) -> PairedTests:
    """Test whether ``treated - baseline`` is centred on zero, two-sided, by t and without assuming a distribution.

    Up to 12 pairs every change of signs is enumerated, which cannot give less than 2 / 2ⁿ; beyond that it is Wilcoxon's
    signed-rank test with Pratt's treatment of zeros. The effect size is the mean difference over the standard deviation
    of the differences with Hedges' correction for small samples (Hedges 1981, equation 6e: a ratio of gamma functions).

    Args:
        baseline: one value a pair, finite.
        treated: the same pairs in the same order.
    """
    import numpy as np
    from scipy import stats

    differences = np.subtract(treated, baseline)
    differences[np.abs(differences) < RESOLUTION] = 0.0
    pairs = len(differences)
    exact = "permutation" if pairs <= MOST_EXACT else "wilcoxon"
    if pairs < 2:
        return PairedTests(None, None, exact, None, 0.0)
    deviation = float(differences.std(ddof=1))
    varies = deviation > RESOLUTION
    if not differences.any():
        p_exact = 1.0
    elif exact == "permutation":
        tested = stats.permutation_test(
            (differences,), np.mean, permutation_type="samples", vectorized=True, n_resamples=np.inf
        )
        p_exact = float(tested.pvalue)
    else:
        p_exact = float(stats.wilcoxon(differences.round(12), zero_method="pratt").pvalue)
    return PairedTests(
        p_t=float(stats.ttest_1samp(differences, 0.0).pvalue) if varies else None,
        p_exact=p_exact,
        exact=exact,
        effect=float(differences.mean() / deviation * _hedges(pairs - 1)) if varies and pairs > 2 else None,
        deviation=deviation if varies else 0.0,
    )


def holm(values: Sequence[float]) -> list[float]:
    """Return p values adjusted for being several, in their order (Holm 1979: step-down Bonferroni)."""
    adjusted, floor = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=lambda index: values[index])):
        floor = max(floor, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = floor
    return adjusted


def pairs_needed(deviation: float, difference: float, power: float = 0.8, level: float = 0.05) -> int:
    """Return the fewest pairs whose two-sided paired t test sees a true ``difference`` with probability ``power``.

    Args:
        deviation: standard deviation of the differences, at least 0.
        difference: what is to be seen, greater than 0, in the unit of ``deviation``.
        power: between ``level`` and 1.
        level: of the test.
    """
    from scipy.stats import nct, norm, t

    if deviation < RESOLUTION:
        return 2
    ratio = difference / deviation
    # the normal distribution never asks for more pairs than t does
    pairs = max(2, int(((norm.ppf(1 - level / 2) + norm.ppf(power)) / ratio) ** 2))
    while True:
        critical, centre = t.ppf(1 - level / 2, pairs - 1), ratio * math.sqrt(pairs)
        # the share beyond the other critical value is far below the rounding of any answer
        if nct.sf(critical, pairs - 1, centre) >= power:
            return pairs
        pairs += 1


def _hedges(degrees: int) -> float:
    """Return the factor that frees Cohen's d of its bias, for at least 2 degrees of freedom."""
    return math.exp(math.lgamma(degrees / 2) - math.lgamma((degrees - 1) / 2)) / math.sqrt(degrees / 2)
