"""Exponential moving average of the weights."""

from typing import Any

import pytorch_lightning as pl

from lit_tricks.callbacks.averaged_weights import AveragedWeights
from lit_tricks.errors import UserError


class EMA(AveragedWeights):
    """Averages the weights over about the last 1 / (1 - decay) optimizer steps; see ``AveragedWeights``.

    After step t the average is a_t = d_t a_{t-1} + (1 - d_t) w_t, beginning with the initial weights w_0, so
    a_T = (Π d_s) w_0 + Σ_t (1 - d_t) (Π_{s>t} d_s) w_t (Polyak & Juditsky 1992; Tarvainen & Valpola 2017). With
    ``warm_up`` d_t = min(decay, (1 + t) / (10 + t)), as TensorFlow's ``ExponentialMovingAverage`` does with its step
    count: without it a short run would end as an average that still remembers its initial weights. Batch norm's
    running statistics are averaged along, so they lag as far behind as the weights do.

    Args:
        decay: in [0, 1); 0 is the last weights. 0.99 suits hundreds of steps, 0.9999 hundreds of thousands.
        warm_up: whether the decay grows to ``decay``.

    Raises ``UserError`` for a decay out of range, and at the start of training beside another average.
    """

    bears_stretches = True

    def __init__(self, decay: float = 0.99, warm_up: bool = True) -> None:
        if not 0 <= decay < 1:
            raise UserError(
                f"the decay of an average must be in [0, 1); received {decay}: try callbacks.ema.decay=0.99"
            )
        super().__init__()
        self.decay = decay
        self.warm_up = warm_up
        self._step = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin; a checkpoint that was written between a step and its average makes up for it."""
        self._step = trainer.global_step if self._state is None else self._state["step"]
        super().on_train_start(trainer, pl_module)
        self._follow(trainer.global_step)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Include the weights after a step."""
        self._follow(trainer.global_step)

    def on_stretch_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule, step: int) -> None:
        """Include the weights after a step of a stretch."""
        self._follow(step)

    def state_dict(self) -> dict[str, Any]:
        """Return the weights that train and the last step that the average knows."""
        return {**super().state_dict(), "step": self._step}

    def _follow(self, step: int) -> None:
        # batches whose gradients are accumulated end without a step
        if step == self._step:
            return
        self._step = step
        t = self.count + 1
        decay = min(self.decay, (1 + t) / (10 + t)) if self.warm_up else self.decay
        self._include(1 - decay)
