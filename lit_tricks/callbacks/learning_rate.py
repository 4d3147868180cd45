"""The learning rate as the optimizer used it."""

from collections.abc import Sequence

import pytorch_lightning as pl


class LearningRate(pl.Callback):
    """Logs ``lr``, the first parameter group's learning rate, at the end of every epoch.

    Every ``trainer.log_every_n_steps`` steps it also goes straight to the loggers with its step, which shows
    warm-up and per-step schedules. Lightning's monitor does the same under a name that changes with the
    optimizer's class, so runs with different optimizers would not share a chart.
    """

    bears_stretches = True

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object, batch_idx: int
    ) -> None:
        """Send the rate of this step to the loggers, at a bounded frequency."""
        if trainer.global_step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            rate = self._rate(trainer)
            for logger in trainer.loggers:
                logger.log_metrics({"lr": rate, "epoch": trainer.current_epoch}, step=trainer.global_step)

    def on_stretch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, first_step: int, rates: Sequence[float]
    ) -> None:
        """Do the same for the steps of a stretch, which began at ``first_step`` and used ``rates``."""
        every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
        for offset in range(-first_step % every, len(rates), every):
            for logger in trainer.loggers:
                logger.log_metrics({"lr": rates[offset], "epoch": trainer.current_epoch}, step=first_step + offset)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the rate of the epoch's last step."""
        pl_module.log("lr", self._rate(trainer))

    @staticmethod
    def _rate(trainer: pl.Trainer) -> float:
        return float(trainer.optimizers[0].param_groups[0]["lr"])
