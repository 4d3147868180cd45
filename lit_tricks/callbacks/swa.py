"""Stochastic weight averaging."""

import copy
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor

from lit_tricks.callbacks.averaged_weights import AveragedWeights
from lit_tricks.callbacks.batch_norm import estimate_batch_norm, training_batch_norms
from lit_tricks.errors import UserError


class SWA(AveragedWeights):
    """Averages the weights at the ends of the last epochs, all alike; see ``AveragedWeights``.

    Izmailov et al. 2018, algorithm 1 with a cycle of one epoch, without its change of the learning rate: that is
    the scheduler's, and should stay high enough for the weights to go on moving. The average enters each epoch's
    validation. Batch norm's running statistics belong to no averaged weights, so each epoch they are estimated for
    the average in one more pass over the training batches, unaugmented and without dropout, as the network will
    be used.

    Args:
        start: share of the run's epochs that pass before the first that counts, in (0, 1), rounded down, or their
            number, at least 1.

    Raises ``UserError`` for a start out of range; at the start of training beside another average, for a start
    after the last epoch, and for a share of a run that has no end or ends within its first epoch.
    """

    # an epoch's last batch is never part of a stretch
    bears_stretches = True

    def __init__(self, start: float = 0.75) -> None:
        number = isinstance(start, int | float) and not isinstance(start, bool)
        if not number or not (0 < start < 1 or (isinstance(start, int) and start >= 1)):
            raise UserError(
                "SWA starts after a share of the epochs, in (0, 1), or a whole number of them, at least 1; "
                f"received {start}: try callbacks.swa.start=0.75"
            )
        super().__init__()
        self.start = start
        self._first = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Find the first epoch that counts."""
        super().on_train_start(trainer, pl_module)
        self._first = int(self.start) if self.start >= 1 else self._after_share(trainer)
        if trainer.max_epochs not in (None, -1) and self._first >= trainer.max_epochs:
            raise UserError(
                f"SWA needs an epoch to average; it starts after {self.start} of {trainer.max_epochs}: "
                "try callbacks.swa.start=0.75"
            )

    def _after_share(self, trainer: pl.Trainer) -> int:
        steps = trainer.estimated_stepping_batches
        if steps == float("inf"):
            raise UserError(
                f"SWA starts after a share of the epochs, {self.start}, and their number is not limited: "
                "try callbacks.swa.start=10 or trainer.max_epochs=20"
            )
        each = -(-int(trainer.num_training_batches) // trainer.accumulate_grad_batches)
        if steps < each:
            raise UserError(
                f"SWA averages weights at the ends of epochs; this run ends after {int(steps)} of the {each} steps of "
                "its first: try more trainer.max_steps, or +experiment=ema"
            )
        return int(self.start * (int(steps) // each))

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Include the weights at the end of an epoch, before they are validated."""
        # a resumed run may have become longer, and its average has begun already
        if trainer.is_last_batch and (self.count or trainer.current_epoch >= self._first):
            self._include(1 / (self.count + 1))
            norms = training_batch_norms(pl_module)
            if norms:
                self._show()
                # data loaders may draw random numbers, which training must not miss
                with isolate_rng(), trainer.precision_plugin.forward_context():
                    estimate_batch_norm(pl_module, self._inputs(trainer))
                for name in norms:
                    for statistic in (f"{name}.running_mean", f"{name}.running_var"):
                        self._average[statistic].copy_(self._current[statistic])
                self._hide()

    def _inputs(self, trainer: pl.Trainer) -> Iterator[Tensor]:
        loader: Any = copy.copy(trainer.train_dataloader)
        batches = int(trainer.num_training_batches)
        if hasattr(loader, "shared"):
            # every process must come to the same statistics, those of what all of them trained on
            loader.shared = False
            batches *= trainer.world_size
        for batch in islice(loader, batches):
            x = batch[0] if isinstance(batch, tuple | list) else batch
            yield trainer.strategy.batch_to_device(x)
