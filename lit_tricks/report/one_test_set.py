"""What one test set of limited size says: how far a metric could have come out otherwise, whether two models differ.

Both hold for the trained networks at hand; what a method does on average only several seeds tell.
"""

from collections.abc import Callable, Sequence

import numpy as np

RESAMPLES = 2000


def _accuracy(counts: np.ndarray) -> np.ndarray:
    return counts.trace(axis1=-2, axis2=-1) / counts.sum((-2, -1))


def _recall(counts: np.ndarray) -> np.ndarray:
    return _ratio(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1))


def _balanced_accuracy(counts: np.ndarray) -> np.ndarray:
    return np.nanmean(_recall(counts), axis=-1)


def _f1_macro(counts: np.ndarray) -> np.ndarray:
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return _ratio(2 * hits, counts.sum(-1) + counts.sum(-2), empty=0.0).mean(-1)


# metrics that the confusion matrix determines
METRICS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "acc": _accuracy,
    "balanced_acc": _balanced_accuracy,
    "f1_macro": _f1_macro,
}


def bootstrap_interval(
    confusion: Sequence[Sequence[int]], metric: str = "acc", confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a metric on one test set (Efron 1979).

    Drawing N examples with replacement is drawing the cells of the confusion matrix from a multinomial distribution
    with the observed shares, so the predictions themselves are not needed.

    Args:
        confusion: (K, K) counts, rows true and columns predicted, at least one example.
        metric: ``acc``, ``balanced_acc`` or ``f1_macro``.
        confidence: between 0 and 1.
        seed: of the 2,000 resamples.
    """
    counts = np.asarray(confusion, dtype=np.int64)
    total = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(total, counts.ravel() / total, size=RESAMPLES)
    values = METRICS[metric](drawn.reshape(-1, *counts.shape))
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def mcnemar(baseline_right: np.ndarray, treated_right: np.ndarray) -> tuple[int, int, float]:
    """Return how many examples the treated model mends, how many it breaks, and the exact p value (McNemar 1947).

    Args:
        baseline_right: (N,) whether each example of the test set was recognised.
        treated_right: (N,) the same examples in the same order.
    """
    from scipy.stats import binomtest

    mended = int((treated_right & ~baseline_right).sum())
    broken = int((baseline_right & ~treated_right).sum())
    return mended, broken, float(binomtest(mended, mended + broken).pvalue) if mended + broken else 1.0


def _ratio(part: np.ndarray, whole: np.ndarray, empty: float = float("nan")) -> np.ndarray:
    return np.divide(part, whole, out=np.full(part.shape, empty), where=whole > 0)
