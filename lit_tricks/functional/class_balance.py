"""Weights, priors, margins and losses for classes of unequal size.

Shapes throughout: ``counts`` are the training examples per class, K whole numbers of at least 1; ``logits`` (B, K)
floating; ``target`` (B,) ``int64`` class indices or (B, K) floating class shares; losses (B,).
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from lit_tricks.functional.losses import soft_targets

WeightRule = Literal["none", "one_minus_share", "inverse", "effective_number"]


def class_weights(counts: Sequence[int], rule: WeightRule, beta: float = 0.999) -> Tensor:
    """Return the weight of each class under a rule other than ``none``, (K,) ``float64``; only their ratios matter.

    ``one_minus_share`` is 1 - n_c / N (lecture IANN-7); ``inverse`` is 1 / n_c; ``effective_number`` is
    (1 - β) / (1 - β^n_c) with β in [0, 1) (Cui et al. 2019, equation 10): 0 weighs all alike, near 1 as ``inverse``.
    """
    n = torch.tensor(counts, dtype=torch.float64)
    if rule == "one_minus_share":
        return 1 - n / n.sum()
    return 1 / n if rule == "inverse" else (1 - beta) / (1 - beta**n)


def mean_one(weights: Tensor, counts: Sequence[int]) -> Tensor:
    """Return ``weights`` (K,) scaled so that their mean over all training examples, Σ n_c w_c / N, is 1."""
    n = torch.tensor(counts, dtype=weights.dtype)
    return weights * n.sum() / (n * weights).sum()


def log_priors(counts: Sequence[int]) -> Tensor:
    """Return log(n_c / N), (K,) ``float64``."""
    n = torch.tensor(counts, dtype=torch.float64)
    return (n / n.sum()).log()


def ldam_margins(counts: Sequence[int], largest: float = 0.5) -> Tensor:
    """Return margins ∝ n_c^(-1/4), of which that of the rarest class is ``largest``, (K,) ``float64``.

    Cao et al. 2019, equation 13.
    """
    margins = torch.tensor(counts, dtype=torch.float64).pow(-0.25)
    return margins * (largest / margins.max())


def focal_loss(logits: Tensor, target: Tensor, gamma: float = 2.0) -> Tensor:
    """Return -Σ_k t_k (1 - p_k)^γ log p_k with p = softmax(z); γ at least 0, 0 is cross-entropy.

    Lin et al. 2017, equation 4, on a softmax; for class indices (1 - p_t)^γ times the cross-entropy.
    """
    log_p = logits.log_softmax(1)
    if target.ndim == 1:
        log_p = log_p.gather(1, target.unsqueeze(1))
        return (_modulation(log_p, gamma) * -log_p).squeeze(1)
    return (soft_targets(target, logits.shape[1], logits.dtype) * _modulation(log_p, gamma) * -log_p).sum(1)


def _modulation(log_p: Tensor, gamma: float) -> Tensor:
    # 1 - p loses all digits where p is near 1, and the gradient of a power below 1 is infinite at 0
    return (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny).pow(gamma)


def margin_logits(logits: Tensor, target: Tensor, margins: Tensor, scale: float) -> Tensor:
    """Return s (z - t Δ), (B, K): the logits with the right class's lowered by its margin Δ, (K,), times ``scale``.

    Cao et al. 2019, equation 12; cross-entropy on these is LDAM.
    """
    return scale * (logits - soft_targets(target, logits.shape[1], logits.dtype) * margins)


def example_weights(weights: Tensor, target: Tensor) -> Tensor:
    """Return the weight (B,) of each example, Σ_k t_k w_k, with class ``weights`` (K,)."""
    return weights[target] if target.ndim == 1 else target.to(weights.dtype) @ weights
