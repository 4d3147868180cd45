"""What differences between paired runs amount to."""

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
