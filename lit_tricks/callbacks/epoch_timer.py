"""Wall time of every epoch."""

import time

import pytorch_lightning as pl


class EpochTimer(pl.Callback):
    """Logs ``epoch_seconds``, the wall time from an epoch's first batch to the end of its validation."""

    def __init__(self) -> None:
        self._started: float | None = None

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the seconds since the epoch began."""
        # a run that resumes within an epoch did not see it begin
        if self._started is not None:
            pl_module.log("epoch_seconds", time.perf_counter() - self._started)
