"""The ordinary Lightning recipe: TensorDataset, DataLoader, torchmetrics, self.log, progress bar, TensorBoard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torchmetrics
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset, random_split

from benchmarks.speed.callbacks import Stopwatch
from benchmarks.speed.contenders.training import one_thread
from benchmarks.speed.times import Times


class Recipe(pl.LightningModule):
    """A network with its loss, logging loss and accuracy of every epoch as the tutorials do."""

    def __init__(self, network: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], optimizer: Callable) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.optimizer = optimizer
        self.train_accuracy = torchmetrics.Accuracy("multiclass", num_classes=10)
        self.val_accuracy = torchmetrics.Accuracy("multiclass", num_classes=10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.network(x)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Return the loss and log."""
        x, y = batch
        logits = self(x)
        loss = self.loss(logits, y)
        self.train_accuracy(logits, y)
        self.log("train/loss", loss, on_epoch=True, on_step=False, prog_bar=True)
        self.log("train/acc", self.train_accuracy, on_epoch=True, on_step=False, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """Log."""
        x, y = batch
        logits = self(x)
        self.val_accuracy(logits, y)
        self.log("val/loss", self.loss(logits, y), prog_bar=True)
        self.log("val/acc", self.val_accuracy, prog_bar=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer."""
        return self.optimizer(self.parameters())


def fit(
    module: Recipe,
    x: Tensor,
    y: Tensor,
    folder: Path,
    batch_size: int,
    epochs: int,
    validation: float = 0.0,
    stop_at: float | None = None,
) -> Times:
    """Train on one processor thread, with a share of the examples held out for ``validation``."""
    one_thread()
    clock = folder / "stopwatch.json"
    data: Any = TensorDataset(x, y)
    loaders = []
    if validation:
        data, held_out = random_split(data, [1 - validation, validation])
        loaders = [DataLoader(held_out, batch_size=batch_size)]
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        logger=TensorBoardLogger(folder),
        default_root_dir=folder,
        callbacks=[Stopwatch(str(clock), stop_at)],
    )
    trainer.fit(module, DataLoader(data, batch_size=batch_size, shuffle=True), *loaders)
    return Times(clock)
