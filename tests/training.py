"""A small real training run that tests share."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import nn

from lit_tricks.callbacks import Checkpoint, RandomState
from lit_tricks.data import DigitsDataModule
from lit_tricks.functional.seeding import derive_seed
from lit_tricks.models import MLP
from lit_tricks.module import LitClassifier
from lit_tricks.objectives import CrossEntropy


def make_module(
    datamodule: DigitsDataModule,
    dropout: float = 0.0,
    optimizer: Callable[..., torch.optim.Optimizer] | None = None,
    network: nn.Module | None = None,
) -> LitClassifier:
    datamodule.setup("fit")
    spec = datamodule.spec
    if network is None:
        torch.manual_seed(derive_seed(0, "initialisation"))
        network = MLP(spec.input_shape, spec.num_classes, hidden=[16], dropout=dropout)
    return LitClassifier(
        network=network,
        objective=CrossEntropy(spec.num_classes),
        normaliser=datamodule.normaliser,
        optimizer=optimizer or (lambda parameters: torch.optim.Adam(parameters, lr=1e-2)),
        spec=spec,
    )


def make_trainer(folder: Path, max_epochs: int, callbacks: Sequence[pl.Callback] = (), **options: object) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=max_epochs,
        logger=False,
        callbacks=[Checkpoint(str(folder / "checkpoints")), RandomState(), *callbacks],
        default_root_dir=str(folder),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        **{"accelerator": "cpu", **options},  # type: ignore[arg-type]
    )
