"""Training figures of unchanged examples: right, and without a trace in the run."""

from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from training import make_module, make_trainer

from lit_tricks.callbacks import CleanTraining
from lit_tricks.data import DigitsDataModule
from lit_tricks.data.augmentation import Affine, Augmentation, MixUp
from lit_tricks.models import MLP
from lit_tricks.stretches import install_stretches


def trained(
    folder: Path, watched: bool, epochs: int = 2, checkpoint: Path | None = None
) -> tuple[pl.Trainer, torch.Tensor]:
    datamodule = DigitsDataModule(batch_size=32)
    datamodule.setup("fit")
    torch.manual_seed(5)
    module = make_module(datamodule, network=MLP((1, 8, 8), 10, hidden=[12], dropout=0.5, norm="batch"))
    steps = {"affine": Affine((1, 8, 8), degrees=20.0), "mixup": MixUp(10)}
    module.augmentation = Augmentation(steps, 0, datamodule.spec.value_range)
    sample = datamodule.train.take(np.arange(len(datamodule.val)))
    callbacks = [CleanTraining(datamodule.in_order(sample))] if watched else []
    trainer = make_trainer(folder, epochs, callbacks)
    assert install_stretches(trainer) is None
    torch.manual_seed(7)
    trainer.fit(module, datamodule=datamodule, ckpt_path=checkpoint)
    return trainer, torch.cat([value.double().flatten() for value in module.state_dict().values()])


def test_the_figures_are_those_of_the_unchanged_sample(tmp_path: Path) -> None:
    trainer, _ = trained(tmp_path, watched=True)
    module, datamodule = trainer.lightning_module, trainer.datamodule
    module.eval()
    sample = slice(0, len(datamodule.val))
    x, y = datamodule.train.x[sample], datamodule.train.y[sample]
    with torch.no_grad():
        logits = module(x)
    loss = torch.nn.functional.cross_entropy(logits, y).item()
    assert float(trainer.callback_metrics["train_clean/loss"]) == pytest.approx(loss, rel=1e-5)
    assert float(trainer.callback_metrics["train_clean/acc"]) == pytest.approx((logits.argmax(1) == y).float().mean())
    assert float(trainer.callback_metrics["train/loss"]) > 1.2 * loss, "MixUp and dropout cost the running figure"


def test_a_run_trains_and_resumes_alike_with_and_without_it(tmp_path: Path) -> None:
    _, without = trained(tmp_path / "without", watched=False)
    trainer, watched = trained(tmp_path / "watched", watched=True)
    assert torch.equal(without, watched)
    trained(tmp_path / "half", watched=True, epochs=1)
    resumed, weights = trained(tmp_path / "resumed", True, checkpoint=tmp_path / "half" / "checkpoints" / "last.ckpt")
    assert torch.equal(weights, watched)
    assert resumed.callback_metrics["train_clean/loss"] == trainer.callback_metrics["train_clean/loss"]


def test_it_holds_its_tongue_outside_training(tmp_path: Path) -> None:
    trainer, _ = trained(tmp_path, watched=True, epochs=1)
    (logged,) = trainer.validate(trainer.lightning_module, datamodule=trainer.datamodule, verbose=False)
    assert set(logged) == {"val/loss", "val/acc", "val/balanced_acc"}
