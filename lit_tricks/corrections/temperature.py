"""Temperature scaling: one number that makes a network as sure as it is right."""

import numpy as np

from lit_tricks.corrections.prior import Link

LOWEST, HIGHEST = 0.05, 20.0


def negative_log_likelihood(
    drives: np.ndarray, targets: np.ndarray, link: Link, weights: np.ndarray, temperature: float = 1.0
) -> float:
    """Return the weighted mean over examples of -log p(target) under ``drives`` / ``temperature``.

    ``drives`` (N, K) ``float64`` are the arguments of the softmax, or of K sigmoids, whose log-likelihoods are averaged
    over the outputs; ``targets`` (N,) class indices; ``weights`` (N,) of mean 1.
    """
    against = _against(drives, targets, link) / temperature
    losses = np.logaddexp.reduce(against, axis=1) if link == "softmax" else np.logaddexp(0.0, against).mean(1)
    return float((weights * losses).mean())


def fit_temperature(drives: np.ndarray, targets: np.ndarray, link: Link, weights: np.ndarray) -> float | None:
    """Return the temperature of least ``negative_log_likelihood`` (Guo et al. 2017, section 4.2), arguments as there.

    The likelihood is convex in 1 / temperature: where its slope changes sign lies the only minimum. None when that
    does not happen between 0.05 and 20, as when every example is right, or when most are wrong.
    """
    # scipy comes with scikit-learn, which training itself does not wait for
    from scipy.optimize import brentq
    from scipy.special import expit, softmax

    against = _against(drives, targets, link)

    def slope(inverse: float) -> float:
        chances = softmax(inverse * against, axis=1) if link == "softmax" else expit(inverse * against)
        return float((weights[:, None] * chances * against).sum())

    least, most = 1 / HIGHEST, 1 / LOWEST
    if slope(least) >= 0 or slope(most) <= 0:
        return None
    return 1 / float(brentq(slope, least, most))


def _against(drives: np.ndarray, targets: np.ndarray, link: Link) -> np.ndarray:
    """Return what speaks against the target, (N, K): how far every drive is above its own, or above 0.

    No term of a right answer is above 0, so that rounding cannot turn a slope that only vanishes.
    """
    rows = np.arange(len(drives))
    if link == "softmax":
        return drives - drives[rows, targets][:, None]
    against = drives.copy()
    against[rows, targets] *= -1
    return against
