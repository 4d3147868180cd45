"""Loss and accuracy of a running epoch, from what the training steps computed anyway."""

import math

import torch
from torch import Tensor

# steps whose logits are kept until they are counted together
MOST_NOTES = 64


class TrainingFigures:
    """Adds up an epoch's loss, correct answers, examples, steps and penalties.

    Steps are only noted; they are added up in groups, which spares most of the cost of small steps and, on an
    accelerator, waiting for the device. Sums are taken in double precision and in the order of the steps, so
    they do not depend on the grouping.
    """

    def __init__(self) -> None:
        self._sums: list[float] = [0.0, 0, 0, 0, 0.0]
        self._notes: list[tuple[Tensor, Tensor, Tensor, Tensor | None]] = []

    @property
    def steps(self) -> int:
        """Steps noted in this epoch."""
        return int(self._sums[3]) + len(self._notes)

    def note(self, loss: Tensor, logits: Tensor, labels: Tensor, penalty: Tensor | None = None) -> None:
        """Keep one step: its mean loss (scalar), logits (B, K), labels (B,) and penalty (scalar), all detached."""
        self._notes.append((loss, logits, labels, penalty))
        if len(self._notes) >= MOST_NOTES:
            self._add_up()

    def take(self) -> list[float]:
        """Return the sums of loss, correct answers, examples, steps and penalties, and begin a new epoch."""
        sums = self.state()
        self._sums = [0.0, 0, 0, 0, 0.0]
        return sums

    def state(self) -> list[float]:
        """Return the sums so far, as a checkpoint stores them."""
        self._add_up()
        return list(self._sums)

    def load(self, state: list[float]) -> None:
        """Go on from a stored ``state``."""
        self._sums, self._notes = list(state), []

    def _add_up(self) -> None:
        if not self._notes:
            return
        losses, logits, labels, penalties = zip(*self._notes, strict=True)
        self._notes = []
        loss, hits, examples, steps, penalty = self._sums
        if penalties[0] is not None:
            for one in torch.stack(penalties).tolist():
                penalty += one
        for one, batch in zip(torch.stack(losses).tolist(), labels, strict=True):
            loss += one * len(batch)
        right = (torch.cat(logits).argmax(1) == torch.cat(labels)).sum()
        self._sums = [loss, hits + int(right), examples + sum(map(len, labels)), steps + len(losses), penalty]


def is_finite_here(loss: Tensor) -> bool:
    """Return False for a loss that is not finite, where asking costs nothing; True on any other device."""
    return loss.device.type != "cpu" or math.isfinite(loss.item())
