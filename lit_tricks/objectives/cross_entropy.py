"""Softmax with cross-entropy."""

import torch.nn.functional as F
from torch import Tensor

from lit_tricks.functional.losses import cross_entropy, softmax
from lit_tricks.objectives.base import Objective


class CrossEntropy(Objective):
    """Softmax outputs with the categorical cross-entropy; the classes exclude each other."""

    link = "softmax"

    def _loss(self, logits: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(logits, target)

    def _mean_loss(self, logits: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(logits, target)

    def _probabilities(self, logits: Tensor) -> Tensor:
        return softmax(logits)
