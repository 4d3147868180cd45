"""Area under the ROC curve of every class against the rest."""

import numpy as np
from torch import Tensor


def one_vs_rest_auroc(scores: Tensor, targets: Tensor) -> list[float | None]:
    """Return for each class the chance that one of its examples outscores one of another class, ties counting half.

    Mann and Whitney's U over the number of pairs, exact up to one division in ``float64``; the scores' order alone
    counts, so they need not be probabilities. None where a class has no example or all of them, or a score is NaN.

    ``scores`` is (N, K) ``float32`` or ``float64`` with N ≥ 1, ``targets`` (N,) ``int64`` in [0, K), both on the CPU.
    """
    # For 10,000 x 10 scores torchmetrics' multiclass_auroc takes 9 ms and scipy's rankdata 8 ms, nearly as long as a
    # small network's forward passes: both sort indices along. Sorting values alone takes 1 to 2 ms.
    labels = targets.numpy()
    return [_area(column, labels == k) for k, column in enumerate(scores.numpy().T)]


def _area(scores: np.ndarray, positive: np.ndarray) -> float | None:
    chosen, others = np.sort(scores[positive]), scores[~positive]
    if not len(chosen) or not len(others) or np.isnan(scores).any():
        return None
    # a trained network puts most others below every chosen one, and these need no sorting
    rest = others[others >= chosen[0]]
    # NaN sorts last and equals nothing
    ordered = np.sort(np.append(rest, scores.dtype.type(np.nan)))
    below = np.searchsorted(ordered, chosen)
    tied = np.flatnonzero(ordered[below] == chosen)
    ties = np.searchsorted(ordered, chosen[tied], side="right") - below[tied]
    wins = len(chosen) * (len(others) - len(rest)) + int(below.sum()) + 0.5 * int(ties.sum())
    return wins / (len(chosen) * len(others))
