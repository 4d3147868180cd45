"""The sequence every objective follows."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from lit_tricks.errors import UserError
from lit_tricks.functional.losses import OutputActivation, smooth_targets, soft_targets


class Objective(nn.Module, ABC):
    """A loss on logits together with the probabilities that belong to it.

    The base fixes the sequence: check the target, smooth it while training, then the leaf's loss. Half-precision
    logits are raised to float32 first. Label smoothing acts only while ``self.training``, so that evaluation is
    always against the given labels.

    Attributes:
        num_classes: K.
        label_smoothing: alpha of (1 - alpha) y + alpha / K; in [0, 1), 0 changes nothing.
        expects: what the network must return; always ``logits``.
        probabilistic: True, since what ``probabilities`` returns are probabilities and no mere scores.
        link: the activation from logits to probabilities, by which an initialiser turns the class prior into a bias.

    Raises ``UserError`` when ``label_smoothing`` lies outside [0, 1).
    """

    expects: str = "logits"
    probabilistic: bool = True
    link: OutputActivation

    def __init__(self, num_classes: int, label_smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0.0 <= label_smoothing < 1.0:
            raise UserError(
                f"loss.label_smoothing must lie in [0, 1); received {label_smoothing}: try loss.label_smoothing=0.1"
            )
        self.num_classes = num_classes
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss over the batch, a scalar.

        ``logits`` (B, K) floating; ``target`` (B,) ``int64`` class indices or (B, K) floating class shares, whose
        rows are taken as they are. Raises ``UserError`` for any other target.
        """
        logits = _full_precision(logits)
        return self._mean_loss(logits, self._prepared(logits, target))

    def per_example(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return one loss per example (B,); arguments and errors as in ``forward``."""
        logits = _full_precision(logits)
        return self._loss(logits, self._prepared(logits, target))

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the class probabilities (B, K) in [0, 1] that ``logits`` (B, K) stand for."""
        return self._probabilities(_full_precision(logits))

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

    def _mean_loss(self, logits: Tensor, target: Tensor) -> Tensor:
        # leaves may override it with a fused kernel; on small batches that halves the cost of the loss
        return self._loss(logits, target).mean()

    @abstractmethod
    def _loss(self, logits: Tensor, target: Tensor) -> Tensor: ...

    @abstractmethod
    def _probabilities(self, logits: Tensor) -> Tensor: ...


def _full_precision(logits: Tensor) -> Tensor:
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
