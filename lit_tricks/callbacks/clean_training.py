"""Training figures that can be compared with validation, beside those of augmented examples or another loss."""

from collections.abc import Iterable

import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor


class CleanTraining(pl.Callback):
    """Logs ``train_clean/loss`` and ``train_clean/acc`` at each validation of a fixed sample of the training split.

    Under augmentation ``train/loss`` and ``train/acc`` are those of changed examples, and under an objective that
    weighs, smooths or shifts while training ``train/loss`` is another quantity: neither can be compared with
    validation. These can: same weights, eval mode, no augmentation. Nothing is drawn, so a run trains alike with
    and without it.

    Args:
        loader: gives the same ``(x, y)`` batches each time, raw inputs and ``int64`` classes, at least one example
            in all; under ``torch.distributed`` to each process its share.
    """

    def __init__(self, loader: Iterable[tuple[Tensor, Tensor]]) -> None:
        self.loader = loader

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Evaluate the sample while the module is in eval mode and knows no gradients."""
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return
        sums = torch.zeros(3, dtype=torch.float32 if pl_module.device.type == "mps" else torch.float64)
        for x, y in self.loader:
            labels = y.to(pl_module.device)
            with trainer.precision_plugin.val_step_context():
                logits = pl_module(x.to(pl_module.device))
                losses = pl_module.objective.per_example(logits, labels)  # type: ignore[operator, union-attr]
            right = (logits.argmax(1) == labels).sum()
            sums += torch.tensor([float(losses.double().sum()), float(right), len(y)], dtype=sums.dtype)
        loss, right, examples = trainer.strategy.reduce(sums.to(pl_module.device), reduce_op="sum").tolist()
        pl_module.log_dict({"train_clean/loss": loss / examples, "train_clean/acc": right / examples})
