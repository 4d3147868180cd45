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
    values, labels, classes = probabilities.numpy().ravel(), targets.numpy(), probabilities.shape[1]
    # most of a trained network's probabilities lie in the first bin, which is what the other bins leave of the sum
    beyond = np.flatnonzero(values >= 1.0 / BINS)
    surplus = _binned(values[beyond], beyond % classes, classes, weighted=True)
    surplus[:, 0] += probabilities.sum(0, dtype=torch.float64).numpy() - surplus.sum(1)
    own = probabilities.gather(1, targets[:, None])[:, 0].numpy()
    surplus -= _binned(own, labels, classes, weighted=False)
    errors = np.abs(surplus).sum(1) / len(labels)
    support = np.bincount(labels, minlength=classes)
    return [float(error) if count else None for error, count in zip(errors, support, strict=True)]


def _binned(values: np.ndarray, columns: np.ndarray, classes: int, weighted: bool) -> np.ndarray:
    """Return (K, 15) sums, or numbers, of the ``values`` that belong to the classes in ``columns``."""
    exact = values.astype(np.float64)
    places = columns * BINS + np.minimum((exact * BINS).astype(np.intp), BINS - 1)
    sums = np.bincount(places, weights=exact if weighted else None, minlength=classes * BINS)
    return sums.reshape(classes, BINS).astype(np.float64)


def _are_probabilities(scores: Tensor) -> bool:
    least, most = scores.aminmax()
    # NaN is in no range; averages of many trees may round to a hair above 1
    return bool(least >= 0.0 and most <= 1.0 + 1e-6)
