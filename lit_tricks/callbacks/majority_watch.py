"""A network that answers with frequent classes alone, named while it trains."""

import logging
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from lit_tricks.functional.counting import recall_per_class

log = logging.getLogger("lit_tricks")

# a class is rare with fewer than this part of the most frequent one's training examples, as the doctor has it
RARE = 0.5
# with fewer validation examples of rare classes chance alone may miss all of them
LEAST_SUPPORT = 10


class MajorityWatch(pl.Callback):
    """Warns once per run, after the first validation that recognises no example of any rare class.

    Beside the network's accuracy and balanced accuracy stand those of the dummy that always answers with the class
    most frequent in training. Data without rare classes, or with fewer than 10 validation examples of them in all,
    are not judged. The module is one with ``spec`` (``DataSpec``), ``objective`` and ``validation_confusion``.
    """

    def __init__(self) -> None:
        self._said = False

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judge the validation."""
        if self._said or trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return
        module: Any = pl_module
        counts = torch.tensor(module.spec.class_counts)
        rare = counts < RARE * counts.max()
        if not rare.any():
            return
        confusion: Tensor = module.validation_confusion()
        support = confusion.sum(1)
        if support[rare].sum() < LEAST_SUPPORT or confusion.diagonal()[rare].any():
            return
        self._said = True
        rebalanced = bool(getattr(module.objective, "rebalances", ())) or any(
            getattr(getattr(loader, "sampler", None), "rebalances", ())
            for loader in trainer.fit_loop._combined_loader.flattened  # type: ignore[union-attr]
        )
        self._say(trainer.current_epoch, module.spec.class_names, int(counts.argmax()), confusion, rare, rebalanced)

    def state_dict(self) -> dict[str, Any]:
        """Return whether it has been said."""
        return {"said": self._said}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Say it no second time in a resumed run."""
        self._said = state_dict["said"]

    @rank_zero_only
    def _say(
        self, epoch: int, names: tuple[str, ...], most: int, confusion: Tensor, rare: Tensor, rebalanced: bool
    ) -> None:
        support = confusion.sum(1)
        recall, present = recall_per_class(confusion)
        log.warning(
            "majority collapse in epoch %d: none of %d validation examples of rare classes, such as %r, is recognised; "
            "accuracy %.3f, balanced accuracy %.3f; always answering %r has %.3f and %.3f: if it stays, try %s",
            epoch + 1,
            support[rare].sum(),
            names[int(torch.where(rare, support, -1).argmax())],
            confusion.diagonal().sum() / support.sum(),
            recall[present].mean(),
            names[most],
            support[most] / support.sum(),
            float(present[most]) / int(present.sum()),
            "more trainer.max_epochs or another optimizer.lr" if rebalanced else "sampler=class_aware",
        )
