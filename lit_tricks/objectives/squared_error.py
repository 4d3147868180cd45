"""Squared error on one-hot targets."""

from typing import Unpack, get_args

import torch.nn.functional as F
from torch import Tensor

from lit_tricks.errors import UserError
from lit_tricks.functional.losses import (
    OutputActivation,
    SquaredReduction,
    activate,
    nearest_distribution,
    soft_targets,
    squared_error,
)
from lit_tricks.objectives.base import Objective, Weighting


class SquaredError(Objective):
    """Squared distance between the activated outputs and the one-hot target.

    ``output`` is the activation: ``sigmoid``, ``softmax`` or ``identity``. ``reduction`` is ``mean`` over the K
    outputs as in Keras, or ``half_sum``, ½ Σ, K/2 times larger: one learning rate is two different steps.
    Without an activation, ``probabilities`` is the distribution nearest to the outputs, with the same winner.
    Raises ``UserError`` for another word.
    """

    def __init__(
        self,
        num_classes: int,
        output: OutputActivation = "sigmoid",
        reduction: SquaredReduction = "mean",
        label_smoothing: float = 0.0,
        **weighting: Unpack[Weighting],
    ) -> None:
        super().__init__(num_classes, label_smoothing, **weighting)
        if output not in get_args(OutputActivation):
            raise UserError(f"loss.output must be sigmoid, softmax or identity; received {output}: try sigmoid")
        if reduction not in get_args(SquaredReduction):
            raise UserError(f"loss.reduction must be mean or half_sum; received {reduction}: try mean")
        self.link = self.output = output
        self.reduction = reduction

    def _loss(self, logits: Tensor, target: Tensor) -> Tensor:
        return squared_error(logits, target, self.output, self.reduction)

    def _mean_loss(self, logits: Tensor, target: Tensor) -> Tensor:
        mean = F.mse_loss(activate(logits, self.output), soft_targets(target, logits.shape[1], logits.dtype))
        return mean if self.reduction == "mean" else mean * (0.5 * logits.shape[1])

    def _probabilities(self, logits: Tensor) -> Tensor:
        return nearest_distribution(logits) if self.output == "identity" else activate(logits, self.output)
