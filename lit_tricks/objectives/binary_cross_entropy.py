"""K independent yes/no questions."""

from typing import Unpack

import torch.nn.functional as F
from torch import Tensor

from lit_tricks.errors import UserError
from lit_tricks.functional.losses import OverOutputs, binary_cross_entropy, soft_targets
from lit_tricks.objectives.base import Objective, Weighting


class BinaryCrossEntropy(Objective):
    """One sigmoid per class with binary cross-entropy; the rows of ``probabilities`` need not sum to 1.

    ``over_outputs`` is ``mean`` over the K outputs as in Keras, or ``sum``, K times larger.
    Raises ``UserError`` for another word.
    """

    link = "sigmoid"

    def __init__(
        self,
        num_classes: int,
        label_smoothing: float = 0.0,
        over_outputs: OverOutputs = "mean",
        **weighting: Unpack[Weighting],
    ) -> None:
        super().__init__(num_classes, label_smoothing, **weighting)
        if over_outputs not in ("mean", "sum"):
            raise UserError(f"loss.over_outputs must be mean or sum; received {over_outputs}: try mean")
        self.over_outputs = over_outputs

    def _loss(self, logits: Tensor, target: Tensor) -> Tensor:
        return binary_cross_entropy(logits, target, self.over_outputs)

    def _mean_loss(self, logits: Tensor, target: Tensor) -> Tensor:
        mean = F.binary_cross_entropy_with_logits(logits, soft_targets(target, logits.shape[1], logits.dtype))
        return mean if self.over_outputs == "mean" else mean * logits.shape[1]

    def _probabilities(self, logits: Tensor) -> Tensor:
        return logits.sigmoid()
