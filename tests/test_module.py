"""The module logs exact epoch figures and refuses a loss that is not finite."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from training import make_module, make_trainer

from lit_tricks.data import DigitsDataModule
from lit_tricks.errors import UserError


def test_validation_figures_equal_scikit_learns(tmp_path: Path) -> None:
    datamodule = DigitsDataModule(batch_size=50)
    module = make_module(datamodule)
    trainer = make_trainer(tmp_path, 1)
    trainer.fit(module, datamodule=datamodule)
    module.eval()
    with torch.no_grad():
        logits = module(datamodule.val.x)
    labels = datamodule.val.y
    predicted = logits.argmax(1)
    assert float(trainer.callback_metrics["val/acc"]) == pytest.approx(accuracy_score(labels, predicted))
    assert float(trainer.callback_metrics["val/balanced_acc"]) == pytest.approx(
        balanced_accuracy_score(labels, predicted)
    )
    reference = torch.nn.functional.cross_entropy(logits, labels).item()
    assert float(trainer.callback_metrics["val/loss"]) == pytest.approx(reference, rel=1e-5)


def test_training_figures_weigh_the_short_last_batch_by_its_size(tmp_path: Path) -> None:
    seen: list[tuple[float, int]] = []

    class Watch(pl.Callback):
        def on_train_batch_end(self, trainer: pl.Trainer, module: object, outputs: dict, batch: list, _: int) -> None:
            seen.append((float(outputs["loss"]), len(batch[1])))

    datamodule = DigitsDataModule(batch_size=1000)
    trainer = make_trainer(tmp_path, 1, [Watch()])
    trainer.fit(make_module(datamodule), datamodule=datamodule)
    assert len({size for _, size in seen}) == 2, "the test needs a short last batch"
    expected = sum(loss * size for loss, size in seen) / sum(size for _, size in seen)
    assert float(trainer.callback_metrics["train/loss"]) == pytest.approx(expected, rel=1e-6)


def test_a_loss_that_is_not_finite_ends_training_with_a_remedy(tmp_path: Path) -> None:
    datamodule = DigitsDataModule(batch_size=64)
    module = make_module(datamodule, optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1e12))
    with pytest.raises(UserError, match=r"loss must stay finite.*smaller optimizer\.lr"):
        make_trainer(tmp_path, 2).fit(module, datamodule=datamodule)
    assert not (tmp_path / "checkpoints" / "last.ckpt").exists()


def test_augmentation_touches_training_batches_only(tmp_path: Path) -> None:
    datamodule = DigitsDataModule(batch_size=64)
    module = make_module(datamodule)
    calls: list[bool] = []

    def augment(x: torch.Tensor, y: torch.Tensor, *_: object) -> tuple[torch.Tensor, torch.Tensor]:
        calls.append(module.training)
        return x, y

    module.augmentation = augment
    trainer = make_trainer(tmp_path, 1)
    trainer.fit(module, datamodule=datamodule)
    assert calls == [True] * trainer.num_training_batches
