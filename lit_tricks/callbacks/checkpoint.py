"""Best and last checkpoints under fixed names, also after the run directory was moved."""

import warnings
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint


class Checkpoint(ModelCheckpoint):
    """Keeps ``best.ckpt`` (by ``monitor``) and ``last.ckpt`` after every epoch's validation.

    Lightning's own, but for three things: names never carry versions or metric values, paths in its state
    follow the folder when a run directory is moved or copied, and a run without validation keeps
    ``last.ckpt`` alone instead of failing.

    Args:
        dirpath: folder of the checkpoints.
        monitor: logged metric that ranks epochs.
        mode: ``min`` or ``max``.
    """

    def __init__(self, dirpath: str, monitor: str = "val/loss", mode: Literal["min", "max"] = "min") -> None:
        super().__init__(
            dirpath=dirpath,
            filename="best",
            monitor=monitor,
            mode=mode,
            save_top_k=1,
            save_last=True,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
            auto_insert_metric_name=False,
        )

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Set the folder up, without the warning that a resumed run's folder is not empty."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
            super().setup(trainer, pl_module, stage)

    def _save_topk_checkpoint(self, trainer: pl.Trainer, monitor_candidates: dict[str, Any]) -> None:
        if self.monitor in monitor_candidates:
            super()._save_topk_checkpoint(trainer, monitor_candidates)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the ranking, with every stored path moved to today's folder."""

        def moved(path: str) -> str:
            return str(Path(str(self.dirpath)) / Path(path).name) if path else path

        super().load_state_dict(
            {
                **state_dict,
                "dirpath": self.dirpath,
                "best_model_path": moved(state_dict["best_model_path"]),
                "last_model_path": moved(state_dict["last_model_path"]),
                "kth_best_model_path": moved(state_dict["kth_best_model_path"]),
                "best_k_models": {moved(path): score for path, score in state_dict["best_k_models"].items()},
            }
        )
