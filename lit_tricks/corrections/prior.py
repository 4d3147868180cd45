"""Class priors: which ones a network has learned, and the step from these to others.

Priors are (K,) ``float64``, above 0, with sum 1.
"""

from typing import Literal

import numpy as np

Link = Literal["softmax", "sigmoid"]


def learned_prior(counts: np.ndarray, log_shift: np.ndarray | None = None) -> np.ndarray:
    """Return the prior that a network has learned, ∝ n_c · exp(shift_c).

    ``counts`` (K,) are the examples of each class that it was shown, repetitions included; ``log_shift`` (K,) is what
    its loss adds to their log, such as the log of class weights, None for nothing.
    """
    logs = np.log(np.asarray(counts, dtype=np.float64))
    logs = logs if log_shift is None else logs + log_shift
    # the largest share is 1 before normalisation, so that nothing overflows
    shares = np.exp(logs - logs.max())
    return shares / shares.sum()


def prior_offsets(learned: np.ndarray, target: np.ndarray, link: Link, tau: float = 1.0) -> np.ndarray:
    """Return what turns the drives of posteriors under the ``learned`` prior into those under ``target``, (K,).

    For a softmax τ (log π_target - log π_learned) (Saerens, Latinne & Decaestecker 2002); with a uniform
    target that is post-hoc logit adjustment, -τ log π, up to a constant (Menon et al. 2021, equation 9). For a sigmoid
    the log odds take the place of the logs (Elkan 2001, theorem 2), since each output has a prior of its own.
    """
    return tau * (_drive(target, link) - _drive(learned, link))


def example_weights(targets: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Return weights (N,) of mean 1 under which examples with these classes have the class shares ``prior``.

    ``targets`` (N,) are class indices. A class without an example has nothing to weigh: the others share its part.
    """
    counts = np.bincount(targets, minlength=len(prior))
    each = np.divide(prior, counts, out=np.zeros(len(prior)), where=counts > 0)[targets]
    return each / each.mean()


def _drive(prior: np.ndarray, link: Link) -> np.ndarray:
    return np.log(prior) if link == "softmax" else np.log(prior) - np.log1p(-prior)
