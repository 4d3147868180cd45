"""The best and the last checkpoint under fixed names."""

import math
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint as LightningCheckpoint
from pytorch_lightning.trainer.states import TrainerFn

from lit_tricks.callbacks.interruption import BetweenSteps
from lit_tricks.errors import UserError


class Checkpoint(LightningCheckpoint):
    """Keeps ``best.ckpt``, of the validation with the best ``monitor``, and ``last.ckpt``, of the last epoch.

    Lightning's ``ModelCheckpoint`` writes ``last.ckpt`` only when a best one was written at the same step, and
    ranks an epoch by whatever validation came before its end. A run that ends within an epoch, by
    ``max_steps`` or by Ctrl-C under ``Interruption``, keeps the state of its last step, so that it resumes there. A
    run without validation keeps ``last.ckpt`` alone. Files are replaced atomically; paths follow a run directory
    that was moved.

    Args:
        dirpath: folder of the checkpoints, created when needed.
        monitor: logged metric that ranks validations; NaN never ranks.
        mode: ``min`` or ``max``.

    Attributes:
        best_model_path: path of ``best.ckpt``, empty before the first validation.
        best_model_score: its ``monitor``, None before the first validation.

    Raises:
        UserError: at a validation that did not log ``monitor``.
    """

    # the step that reaches ``max_steps`` is never part of a stretch
    bears_stretches = True

    def __init__(self, dirpath: str, monitor: str = "val/loss", mode: Literal["min", "max"] = "min") -> None:
        self.dirpath = Path(dirpath)
        self.monitor = monitor
        self.mode = mode
        self.best_model_score: float | None = None
        self._saved_step = 0

    @property
    def best_model_path(self) -> str:
        """Path of the best checkpoint, empty when there is none."""
        return "" if self.best_model_score is None else str(self.dirpath / "best.ckpt")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save when this validation is the best so far."""
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return
        if self.monitor not in trainer.callback_metrics:
            known = ", ".join(sorted(name for name in trainer.callback_metrics if name.startswith("val/")))
            raise UserError(
                f"callbacks.checkpoint.monitor must be a metric that validation logs; received {self.monitor}: "
                f"try one of {known}"
            )
        score = float(trainer.callback_metrics[self.monitor])
        if self._is_better(score):
            self.best_model_score = score
            self._save(trainer, "best.ckpt")

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Save a run that ``max_steps`` ends here, within an epoch."""
        ended = trainer.max_steps not in (-1, None) and trainer.global_step >= trainer.max_steps
        if ended and not trainer.is_last_batch and self._saved_step != trainer.global_step:
            self._save_last(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the epoch's last state."""
        if self._saved_step != trainer.global_step:
            self._save_last(trainer)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Save a run that Ctrl-C ends here, between two steps."""
        if isinstance(exception, BetweenSteps) and self._saved_step != trainer.global_step:
            self._save_last(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Return the ranking."""
        return {"monitor": self.monitor, "mode": self.mode, "best_model_score": self.best_model_score}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the ranking, unless it was made by another metric or its file is gone."""
        same = (state_dict["monitor"], state_dict["mode"]) == (self.monitor, self.mode)
        if same and (self.dirpath / "best.ckpt").is_file():
            self.best_model_score = state_dict["best_model_score"]

    def _is_better(self, score: float) -> bool:
        if math.isnan(score):
            return False
        best = self.best_model_score
        return best is None or (score < best if self.mode == "min" else score > best)

    def _save_last(self, trainer: pl.Trainer) -> None:
        self._saved_step = trainer.global_step
        self._save(trainer, "last.ckpt")

    def _save(self, trainer: pl.Trainer, name: str) -> None:
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        trainer.save_checkpoint(self.dirpath / name, weights_only=False)
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.after_save_checkpoint(self)  # type: ignore[arg-type]
