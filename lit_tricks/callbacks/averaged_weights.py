"""What every average of the weights shares: who sees it, how it is saved and how it resumes."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import StochasticWeightAveraging
from pytorch_lightning.callbacks import WeightAveraging as LightningWeightAveraging
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor

from lit_tricks.errors import UserError


class AveragedWeights(pl.Callback):
    """Validates, saves and hands back an average of the weights, while training goes on with the weights themselves.

    The average holds every floating-point tensor of the module's ``state_dict``, so batch norm's running statistics
    too, in float32 where the weights have less. From the first averaged state on, validation (and with it early
    stopping and ``best.ckpt``), ``state_dict`` in every checkpoint and the module after training are the average;
    before that they are the weights. What training needs to go on stands in the callback's own state. Losses and
    accuracies of training remain those of the weights that trained.

    Lightning's ``WeightAveraging`` validates the initial weights until its first update, averages an epoch only
    after that was validated, and watches every batch.

    Attributes:
        count: states averaged so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._average: dict[str, Tensor] = {}
        self._current: dict[str, Tensor] = {}
        self._is_wider = False
        # the weights that train, while the module holds their average
        self._aside: dict[str, Tensor] | None = None
        self._state: dict[str, Any] | None = None
        self._loaded: dict[str, Tensor] = {}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Begin anew; raises ``UserError`` beside another average, which would average or restore ours."""
        if stage != "fit":
            return
        for other in trainer.callbacks:  # type: ignore[attr-defined]
            if other is not self and isinstance(
                other, AveragedWeights | LightningWeightAveraging | StochasticWeightAveraging
            ):
                raise UserError(
                    f"a run can hand back one average of its weights; received {type(self).__name__} and "
                    f"{type(other).__name__}: leave one out"
                )
        self.count, self._aside = 0, None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Pair each tensor with its average; on resume put back the weights that were training."""
        self._current = {name: value for name, value in pl_module.state_dict().items() if value.is_floating_point()}
        self._average = {
            name: value.to(torch.promote_types(value.dtype, torch.float32), copy=True)
            for name, value in self._current.items()
        }
        self._is_wider = any(self._average[name].dtype != value.dtype for name, value in self._current.items())
        if self._state is not None:
            self.count = self._state["count"]
            _copy(self._loaded, self._average)
            _copy(self._state["weights"], self._current)
        self._state, self._loaded = None, {}

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Let the average be validated."""
        if self.count and trainer.state.fn == TrainerFn.FITTING:
            self._show()

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Let training go on."""
        if trainer.state.fn == TrainerFn.FITTING:
            self._hide()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the average in the module."""
        if self.count:
            self._show()

    def state_dict(self) -> dict[str, Any]:
        """Return the weights that train, of which ``state_dict`` of a checkpoint holds the average."""
        weights = self._current if self._aside is None else self._aside
        return {"count": self.count, "weights": weights if self.count else {}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Remember the state until training starts."""
        self._state = state_dict

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Save the average in the weights' place."""
        if self.count:
            checkpoint["state_dict"] = {**checkpoint["state_dict"], **self._average}

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Remember the average in its own precision until training starts."""
        self._loaded = checkpoint["state_dict"]

    def _include(self, share: float) -> None:
        """Move the average by ``share`` in [0, 1] of the way to the present weights."""
        average, current = list(self._average.values()), list(self._current.values())
        if self._is_wider:
            current = [value.to(kept.dtype) for kept, value in zip(average, current, strict=True)]
        torch._foreach_lerp_(average, current, share)
        self.count += 1

    def _show(self) -> None:
        if self._aside is None:
            self._aside = {name: value.clone() for name, value in self._current.items()}
            _copy(self._average, self._current)

    def _hide(self) -> None:
        if self._aside is not None:
            _copy(self._aside, self._current)
            self._aside = None


def _copy(source: dict[str, Tensor], target: dict[str, Tensor]) -> None:
    for name, value in target.items():
        if name in source:
            value.copy_(source[name])
