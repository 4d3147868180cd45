"""How far probabilities are from what happens."""

import numpy as np
import torch
from torch import Tensor

BINS = 15


def brier_score(probabilities: Tensor, targets: Tensor) -> float | None:
    """Return the mean squared distance between a row of probabilities and its one-hot target, halved for two classes.

    So it is scikit-learn's ``brier_score_loss`` (Brier 1950; its binary form for K = 2): 0 is perfect, 1 the worst for
    two classes and 2 for more. ``probabilities`` (N, K) floating, ``targets`` (N,) ``int64``. None where a value lies
    outside [0, 1] or is NaN, since such scores are no probabilities.
    """
    if not _are_probabilities(probabilities):
        return None
    squares = float(torch.linalg.vector_norm(probabilities, dtype=torch.float64)) ** 2
    chosen = float(probabilities.gather(1, targets[:, None]).sum(dtype=torch.float64))
    score = max((squares - 2.0 * chosen) / len(probabilities) + 1.0, 0.0)
    return score / 2.0 if probabilities.shape[1] == 2 else score


def classwise_ece(probabilities: Tensor, targets: Tensor) -> list[float | None]:
    """Return each class's expected calibration error in [0, 1] (Kull et al. 2019, classwise-ECE).

    The probabilities of one class, of all examples, fall into 15 bins of equal width; the error is the mean distance
    between a bin's mean probability and the share of the class in it, weighted by the bin's examples. Arguments as for
    ``brier_score``. None for a class without an example, and for all where scores are no probabilities.
    """
    if not _are_probabilities(probabilities):
        return [None] * probabilities.shape[1]
    labels = targets.numpy()
    return [_error(column, labels == k) for k, column in enumerate(probabilities.numpy().T)]


def _error(column: np.ndarray, positive: np.ndarray) -> float | None:
    if not positive.any():
        return None
    # most of a trained network's probabilities lie in the first bin, which then is what the others leave of the sum
    beyond = column >= 1.0 / BINS
    high = column[beyond].astype(np.float64)
    places = np.minimum((high * BINS).astype(np.intp), BINS - 1)
    surplus = np.bincount(places, weights=high - positive[beyond], minlength=BINS)
    surplus[0] += column.sum(dtype=np.float64) - positive.sum() - surplus.sum()
    return float(np.abs(surplus).sum()) / len(column)


def _are_probabilities(scores: Tensor) -> bool:
    least, most = scores.aminmax()
    # NaN is in no range; averages of many trees may round to a hair above 1
    return bool(least >= 0.0 and most <= 1.0 + 1e-6)
