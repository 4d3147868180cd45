"""How one run knows that it belongs to a trial, and the callback that ends a trial early."""

import json
import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.trainer.states import TrainerFn

from lit_tricks.search.plan import TRIAL


def in_search() -> bool:
    """Return whether this process runs a job of a search."""
    return TRIAL in os.environ


def pruning() -> list[pl.Callback]:
    """Return the callback that this job's trial asks for, if any."""
    asked: dict[str, Any] = json.loads(os.environ.get(TRIAL, "{}"))
    return [Pruning(**asked)] if asked else []


class Pruning(pl.Callback):
    """Reports ``metric`` after every epoch to the search's storage and ends training when its pruner says so.

    A run that is ended this way is complete in every other respect; its ``pruned`` says after how many epochs.

    Args:
        storage: the search's SQLite file.
        trial: the trial's identifier in it.
        metric: a metric that validation logs.
        min_epochs: epochs before the first cut.
        reduction_factor: only the best 1/``reduction_factor`` of the trials that came to a cut go on.
    """

    def __init__(self, storage: str, trial: int, metric: str, min_epochs: int, reduction_factor: int) -> None:
        from lit_tricks.search.storage import trial_in

        self._trial = trial_in(Path(storage), trial, min_epochs, reduction_factor)
        self.metric = metric
        self.pruned: int | None = None

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the validation at an epoch's end."""
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING or not trainer.is_last_batch:
            return
        epochs = trainer.current_epoch + 1
        # one process asks for all: the pruner's answer depends on what other trials did meanwhile
        if trainer.strategy.broadcast(trainer.is_global_zero and self._report(trainer, epochs)):
            self.pruned = epochs
            trainer.should_stop = True

    def _report(self, trainer: pl.Trainer, epochs: int) -> bool:
        self._trial.report(float(trainer.callback_metrics[self.metric]), epochs)
        # what has trained to its end has nothing left to save
        return epochs != trainer.max_epochs and self._trial.should_prune()
