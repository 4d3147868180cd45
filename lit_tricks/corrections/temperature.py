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
    z = drives / temperature
    if link == "softmax":
        top = z.max(1, keepdims=True)
        losses = np.log(np.exp(z - top).sum(1)) + top[:, 0] - z[np.arange(len(z)), targets]
    else:
        yes = np.zeros_like(z)
        yes[np.arange(len(z)), targets] = 1.0
        losses = (np.logaddexp(0.0, z) - yes * z).mean(1)
    return float((weights * losses).mean())


def fit_temperature(drives: np.ndarray, targets: np.ndarray, link: Link, weights: np.ndarray) -> float | None:
    """Return the temperature of least ``negative_log_likelihood`` (Guo et al. 2017, section 4.2), arguments as there.

    The likelihood is convex in 1 / temperature, so the minimum that is found is the only one. None when it lies at or
    beyond 0.05 or 20, as when every example is right by far, or most are wrong: there is no finite one then.
    """
    # scipy comes with scikit-learn, which training itself does not wait for
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log: negative_log_likelihood(drives, targets, link, weights, float(np.exp(log))),
        bounds=(np.log(LOWEST), np.log(HIGHEST)),
        method="bounded",
        options={"xatol": 1e-7},
    )
    temperature = float(np.exp(found.x))
    return temperature if 1.001 * LOWEST < temperature < HIGHEST / 1.001 else None
