"""Early stopping that hands back the best epoch's weights."""

from pathlib import Path
from typing import Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping as LightningEarlyStopping
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.utilities import rank_zero_info

from lit_tricks.callbacks.checkpoint import Checkpoint
from lit_tricks.errors import UserError


class EarlyStopping(LightningEarlyStopping):
    """Stops when ``monitor`` has not improved for ``patience`` validations, then restores the best weights.

    Lightning's callback leaves the last weights in place; the lectures (ML-8, IANN-7) and Keras'
    ``restore_best_weights`` want the best. They are read from the ``ModelCheckpoint`` that watches the
    same quantity, also when training ends by ``max_epochs`` before patience runs out.

    Args:
        monitor: logged metric to watch.
        mode: ``min`` or ``max``.
        patience: validations without improvement before stopping, at least 1.
        min_delta: smallest change that counts as improvement, at least 0, in the metric's unit.

    Raises:
        UserError: at the start of training when there is no validation or no checkpoint on ``monitor``.
    """

    def __init__(
        self,
        monitor: str = "val/loss",
        mode: Literal["min", "max"] = "min",
        patience: int = 3,
        min_delta: float = 0.0,
    ) -> None:
        if patience < 1 or min_delta < 0:
            raise UserError(
                "early stopping needs patience of at least 1 and min_delta of at least 0; "
                f"received patience={patience}, min_delta={min_delta}: try callbacks.early_stopping.patience=3"
            )
        # a missing metric and a loss that is not finite have clearer messages of our own
        super().__init__(monitor, min_delta, patience, mode=mode, strict=False, check_finite=False)

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Check that the best weights will be there to restore."""
        super().setup(trainer, pl_module, stage)
        if stage == "fit":
            self._checkpoint(trainer)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Refuse to watch a metric that no validation will log."""
        if self.monitor.startswith("val/") and not trainer.enable_validation:
            raise UserError(
                f"early stopping needs validation; it watches {self.monitor} and there is no validation split: "
                "try data.val_size=0.1"
            )

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Load the best weights into the module."""
        best = self._checkpoint(trainer).best_model_path
        if not best or not Path(best).is_file():
            return
        state = torch.load(best, map_location=pl_module.device, weights_only=True)["state_dict"]
        pl_module.load_state_dict(state)
        rank_zero_info(f"early stopping restored the weights of {Path(best).name}")

    def _checkpoint(self, trainer: pl.Trainer) -> ModelCheckpoint | Checkpoint:
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint | Checkpoint) and callback.monitor == self.monitor:
                return callback
        if not trainer.checkpoint_callbacks:
            raise UserError(
                "early stopping restores the best weights from a checkpoint; this run keeps none: "
                "use callbacks=default and trainer.enable_checkpointing=null"
            )
        raise UserError(
            f"early stopping restores the best weights from a checkpoint; none watches {self.monitor}: "
            f"try callbacks.checkpoint.monitor={self.monitor}"
        )
