"""Loss, accuracy and balanced accuracy of a whole validation."""

from collections.abc import Callable

import torch
from torch import Tensor

from lit_tricks.functional.counting import recall_per_class


class ValidationFigures:
    """Adds up one validation's losses and confusion on the device.

    Args:
        classes: K.
        device: where the sums are kept, in double precision if the device has it.
    """

    def __init__(self, classes: int, device: torch.device) -> None:
        # Apple's devices have no float64
        precise = torch.float32 if device.type == "mps" else torch.float64
        self._loss = torch.zeros((), dtype=precise, device=device)
        self._confusion = torch.zeros(classes, classes, dtype=torch.int64, device=device)

    def note(self, losses: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: its losses (B,), logits (B, K) and labels (B,)."""
        self._loss += losses.sum().to(self._loss)
        classes = len(self._confusion)
        cells = torch.bincount(labels * classes + logits.argmax(1), minlength=classes * classes)
        self._confusion += cells.view(classes, classes)

    def values(self, reduced: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
        """Return ``loss``, ``acc`` and ``balanced_acc``; ``reduced`` sums a tensor over all processes."""
        loss, confusion = reduced(self._loss).cpu(), self.confusion(reduced)
        recall, present = recall_per_class(confusion)
        return {
            "loss": loss / confusion.sum(),
            "acc": confusion.diagonal().sum() / confusion.sum(),
            "balanced_acc": recall[present].mean(),
        }

    def confusion(self, reduced: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the counts (K, K) ``int64`` on the CPU, rows true, columns predicted; ``reduced`` as in ``values``."""
        # Lightning sums in place, and who asks twice must not get the sum of sums
        return reduced(self._confusion.clone()).cpu()
