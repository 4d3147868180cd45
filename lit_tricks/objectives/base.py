"""The sequence every objective follows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypedDict

import torch
from torch import Tensor, nn

from lit_tricks.errors import UserError
from lit_tricks.functional.class_balance import example_weights
from lit_tricks.functional.losses import OutputActivation, smooth_targets, soft_targets
from lit_tricks.objectives.weighting import Normalisation, Weights, normalised_weights


class WeightOptions(TypedDict, total=False):
    """The keyword arguments by which any objective weighs classes; ``Objective`` says what they mean."""

    class_weights: Weights
    beta: float
    weight_normalisation: Normalisation


class Weighting(WeightOptions, total=False):
    """The same with the counts that the rules need."""

    class_counts: Sequence[int] | None


class Objective(nn.Module, ABC):
    """A loss on logits together with the probabilities that belong to it.

    The base fixes the sequence: check the target, adjust the logits by it as it is given, smooth it while training, the
    leaf's loss, and while training the weight of the example's class. Half-precision logits are raised to float32
    first. Label smoothing and weights act only while ``self.training``, so that evaluation is always against the given
    labels, all alike.

    Args:
        num_classes: K.
        label_smoothing: alpha of (1 - alpha) y + alpha / K; in [0, 1), 0 changes nothing.
        class_weights: ``none``, ``one_minus_share``, ``inverse`` or ``effective_number``, which
            ``functional.class_balance.class_weights`` defines, or K numbers above 0. An example is weighed
            whole, by its label as given, one of mixed classes by the mean of their weights; torch weighs each class's
            term of the loss instead, which is another loss for mixed and for smoothed labels.
        beta: of ``effective_number``, in [0, 1).
        weight_normalisation: ``training_set`` scales the weights once, so that their mean over the training examples is
            1; ``batch`` divides each batch's weighted sum by the sum of its weights, as torch does, by which a rare
            example counts less the more of its kind are in the batch.
        class_counts: training examples per class, which the rules need.

    Attributes:
        rebalances: what of it favours rare classes, in words; empty for nothing.
        weighs: whether the weights act; a callback may defer them.
        expects: what the network must return; always ``logits``.
        probabilistic: True, since what ``probabilities`` returns are probabilities and no mere scores.
        link: the activation from logits to probabilities, by which an initialiser turns the class prior into a bias.
        scale: what the logits are multiplied by before it.

    Raises ``UserError`` when ``label_smoothing`` or ``beta`` lies outside [0, 1), or weights do not fit the classes.
    """

    expects: str = "logits"
    probabilistic: bool = True
    scale: float = 1.0
    link: OutputActivation

    def __init__(
        self,
        num_classes: int,
        label_smoothing: float = 0.0,
        class_weights: Weights = "none",
        beta: float = 0.999,
        weight_normalisation: Normalisation = "training_set",
        class_counts: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        if not 0.0 <= label_smoothing < 1.0:
            raise UserError(
                f"loss.label_smoothing must lie in [0, 1); received {label_smoothing}: try loss.label_smoothing=0.1"
            )
        self.num_classes = num_classes
        self.label_smoothing = label_smoothing
        weights = normalised_weights(num_classes, class_weights, beta, weight_normalisation, class_counts)
        self.weight_normalisation = weight_normalisation
        # they follow from the data's facts, which the checkpoint has
        self.register_buffer("weights", weights, persistent=False)
        self.weights: Tensor | None
        self.weighs = True
        unequal = weights is not None and not bool((weights == weights[0]).all())
        self.rebalances: tuple[str, ...] = (f"loss.class_weights={class_weights}",) if unequal else ()

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss over the batch, a scalar.

        ``logits`` (B, K) floating; ``target`` (B,) ``int64`` class indices or (B, K) floating class shares, whose
        rows are taken as they are. Raises ``UserError`` for any other target.
        """
        if self.training and self.weighs and self.weights is not None:
            return self.per_example(logits, target).mean()
        logits = _full_precision(logits)
        prepared = self._prepared(logits, target)
        return self._mean_loss(self._adjusted(logits, target), prepared)

    def per_example(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return one loss per example (B,), whose mean is ``forward``; arguments and errors as there."""
        logits = _full_precision(logits)
        prepared = self._prepared(logits, target)
        losses = self._loss(self._adjusted(logits, target), prepared)
        if not self.training or not self.weighs or self.weights is None:
            return losses
        weights = example_weights(self.weights, target)
        return losses * (weights if self.weight_normalisation == "training_set" else weights / weights.mean())

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the class probabilities (B, K) in [0, 1] that ``logits`` (B, K) stand for."""
        return self._probabilities(_full_precision(logits))

    def log_prior_shift(self) -> Tensor | None:
        """Return what training adds to the log of the class shares that the logits express, (K,); None for nothing."""
        return None if self.weights is None else self.weights.log()

    def check_targets(self, targets: Tensor) -> None:
        """Raise ``UserError`` unless every class index in ``targets`` (N,) lies in [0, K).

        Meant for once per run: on a GPU it waits for the device, so training steps do not repeat it.
        """
        low, high = (int(bound) for bound in targets.aminmax())
        if low < 0 or high >= self.num_classes:
            raise UserError(
                f"class labels must lie in 0..{self.num_classes - 1}; received {low}..{high} with "
                f"num_classes={self.num_classes}: renumber the labels from 0"
            )

    def _prepared(self, logits: Tensor, target: Tensor) -> Tensor:
        hard = target.ndim == 1 and target.dtype == torch.int64
        if not hard and not (target.shape == logits.shape and target.is_floating_point()):
            raise UserError(
                "the target must be int64 class indices (B,) or floating class shares (B, K); received "
                f"{target.dtype} of shape {tuple(target.shape)} for logits of shape {tuple(logits.shape)}"
            )
        smoothing = self.label_smoothing if self.training else 0.0
        if hard and not smoothing:
            return target
        shares = soft_targets(target, logits.shape[1], logits.dtype)
        return smooth_targets(shares, smoothing) if smoothing else shares

    def _adjusted(self, logits: Tensor, target: Tensor) -> Tensor:
        # leaves may move the logits by the label before it is smoothed
        return logits

    def _mean_loss(self, logits: Tensor, target: Tensor) -> Tensor:
        # leaves may override it with a fused kernel; on small batches that halves the cost of the loss
        return self._loss(logits, target).mean()

    @abstractmethod
    def _loss(self, logits: Tensor, target: Tensor) -> Tensor: ...

    @abstractmethod
    def _probabilities(self, logits: Tensor) -> Tensor: ...


def _full_precision(logits: Tensor) -> Tensor:
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
