"""Training figures of examples as they are, beside those of augmented ones."""

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor

from lit_tricks.functional.seeding import derive_seed

# input values evaluated at once
MOST_VALUES = 2**19


class CleanTraining(pl.Callback):
    """Logs ``train_clean/loss`` and ``train_clean/acc`` at each validation of a fixed sample of the training split.

    Under augmentation ``train/loss`` and ``train/acc`` are those of changed examples and cannot be compared with
    validation; these can: same weights, eval mode, no augmentation. Nothing is drawn, so a run trains alike with
    and without it. Processes share the sample out.

    Args:
        x: (N, *input_shape) raw training examples.
        y: (N,) ``int64`` classes, N at least 1.
    """

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self._x = x
        self._y = y
        self._together = max(1, MOST_VALUES // max(x[0].numel(), 1))

    @classmethod
    def sample(cls, examples: Any, count: int, seed: int) -> "CleanTraining":
        """Return the watch over ``count`` of the examples, the same in every epoch and every process."""
        rng = np.random.default_rng(derive_seed(seed, "train_clean"))
        chosen = examples.take(np.sort(rng.permutation(len(examples))[:count]))
        return cls(chosen.x, chosen.y)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Evaluate the sample while the module is in eval mode and knows no gradients."""
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return
        every = slice(trainer.global_rank, None, trainer.world_size)
        batches = zip(self._x[every].split(self._together), self._y[every].split(self._together), strict=True)
        sums = torch.zeros(3, dtype=torch.float32 if pl_module.device.type == "mps" else torch.float64)
        for x, y in batches:
            labels = y.to(pl_module.device)
            with trainer.precision_plugin.val_step_context():
                logits = pl_module(x.to(pl_module.device))
                losses = pl_module.objective.per_example(logits, labels)  # type: ignore[operator, union-attr]
            right = (logits.argmax(1) == labels).sum()
            sums += torch.tensor([float(losses.double().sum()), float(right), len(y)], dtype=sums.dtype)
        loss, right, examples = trainer.strategy.reduce(sums.to(pl_module.device), reduce_op="sum").tolist()
        pl_module.log_dict({"train_clean/loss": loss / examples, "train_clean/acc": right / examples})
