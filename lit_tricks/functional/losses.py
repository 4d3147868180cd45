"""Classification losses on logits, one value per example, and the probabilities that belong to them.

Shapes throughout: ``logits`` (B, K) floating; ``target`` (B,) ``int64`` class indices or (B, K) floating class
shares; losses (B,). All are finite for logits of magnitude 1e4.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

OutputActivation = Literal["sigmoid", "softmax", "identity"]
OverOutputs = Literal["mean", "sum"]
SquaredReduction = Literal["mean", "half_sum"]

# On the CPU torch's kernels over the last dimension are scalar below this many float32 classes. Over the first one
# they are not: with 10 classes seven times faster for 668 rows, transposition included, and slower below 64 rows.
_SCALAR_BELOW, _WORTH_IT_FROM = 16, 64


def soft_targets(target: Tensor, num_classes: int, dtype: torch.dtype) -> Tensor:
    """Return ``target`` as (B, K) class shares in ``dtype``: one-hot rows for indices, (B, K) input cast only.

    Indices must lie in [0, K); outside, torch raises ``RuntimeError`` on the CPU and a device assertion on a GPU.
    """
    if target.ndim == 2:
        return target.to(dtype)
    one_hot = torch.zeros(len(target), num_classes, dtype=dtype, device=target.device)
    # F.one_hot would read the smallest and largest index back from the device
    return one_hot.scatter_(1, target.unsqueeze(1), 1.0)


def smooth_targets(one_hot: Tensor, alpha: float) -> Tensor:
    """Return (1 - alpha) y + alpha / K for class shares ``one_hot`` (B, K); alpha in [0, 1), 0 changes nothing.

    Szegedy et al. 2016, section 7. Rows keep their sum when it is 1.
    """
    return one_hot * (1.0 - alpha) + alpha / one_hot.shape[1]


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return -sum_k t_k log softmax(z)_k, gradient softmax(z) - t at the drive; shares in the logits' dtype."""
    if target.ndim == 1 and _few_classes(logits):
        return F.nll_loss(logits.t().contiguous().log_softmax(0).t(), target, reduction="none")
    return F.cross_entropy(logits, target, reduction="none")


def softmax(logits: Tensor) -> Tensor:
    """Return exp(z_k) / sum_j exp(z_j), (B, K)."""
    return logits.t().contiguous().softmax(0).t().contiguous() if _few_classes(logits) else logits.softmax(1)


def _few_classes(logits: Tensor) -> bool:
    return logits.device.type == "cpu" and logits.shape[1] < _SCALAR_BELOW and len(logits) >= _WORTH_IT_FROM


def binary_cross_entropy(logits: Tensor, target: Tensor, over_outputs: OverOutputs = "mean") -> Tensor:
    """Return the cross-entropy of K independent yes/no questions, one sigmoid output each.

    ``over_outputs="mean"`` is Keras' ``binary_crossentropy`` (gradient at the drive (sigmoid(z) - t) / K);
    ``"sum"`` is the textbook's (gradient sigmoid(z) - t), so it learns K times faster at one learning rate.
    """
    t = soft_targets(target, logits.shape[1], logits.dtype)
    terms = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    return terms.mean(1) if over_outputs == "mean" else terms.sum(1)


def squared_error(
    logits: Tensor,
    target: Tensor,
    output: OutputActivation = "sigmoid",
    reduction: SquaredReduction = "mean",
) -> Tensor:
    """Return the squared distance between the activated outputs a and the class shares t.

    ``reduction="mean"`` averages (a - t)² over the K outputs, as Keras' ``mean_squared_error`` does;
    ``"half_sum"`` is ½ Σ (a - t)², K/2 times larger, with gradient (a - t) σ'(z) at a sigmoid's drive.
    """
    difference = activate(logits, output) - soft_targets(target, logits.shape[1], logits.dtype)
    squares = difference.square()
    return squares.mean(1) if reduction == "mean" else 0.5 * squares.sum(1)


def activate(logits: Tensor, output: OutputActivation) -> Tensor:
    """Return the outputs (B, K) of the named output activation."""
    if output == "sigmoid":
        return logits.sigmoid()
    return softmax(logits) if output == "softmax" else logits


def nearest_distribution(outputs: Tensor) -> Tensor:
    """Return for each row of ``outputs`` (B, K) the nearest probability vector in Euclidean distance.

    Least squares on one-hot targets estimates probabilities but may leave [0, 1]. Unlike clipping, the
    projection keeps the winning class and sums to 1; a row that already is a distribution stays.
    Duchi et al. 2008, figure 1.
    """
    descending = outputs.sort(dim=1, descending=True).values
    ranks = torch.arange(1, outputs.shape[1] + 1, device=outputs.device, dtype=outputs.dtype)
    thresholds = (descending.cumsum(1) - 1.0) / ranks
    support = (descending > thresholds).sum(1, keepdim=True).clamp(min=1)
    return (outputs - thresholds.gather(1, support - 1)).clamp(min=0.0)
