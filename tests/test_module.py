"""The module logs exact epoch figures and refuses a loss that is not finite."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from training import make_module, make_trainer

from lit_tricks.data import DigitsDataModule
from lit_tricks.errors import UserError
from lit_tricks.optim import Plateau, TrainingPlan


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


@pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`, callbacks")
def test_a_plateau_of_the_validation_loss_lowers_the_rate_also_in_the_epoch_that_resumes(tmp_path: Path) -> None:
    def fit(folder: Path, epochs: int, checkpoint: Path | None = None) -> list[float]:
        rates: list[float] = []

        class Watch(pl.Callback):
            def on_train_epoch_start(self, trainer: pl.Trainer, module: object) -> None:
                rates.append(trainer.optimizers[0].param_groups[0]["lr"])

        datamodule = DigitsDataModule(batch_size=200)
        module = make_module(datamodule)
        # no loss falls to a tenth in an epoch
        plateau = Plateau(factor=0.5, patience=1, threshold=0.9)
        module._make_schedule = lambda optimizer, *facts: plateau(optimizer, TrainingPlan(*facts))
        make_trainer(folder, epochs, [Watch()]).fit(module, datamodule=datamodule, ckpt_path=checkpoint)
        return rates

    whole = fit(tmp_path / "whole", 7)
    assert whole == pytest.approx([0.01, 0.01, 0.01, 0.005, 0.005, 0.0025, 0.0025])
    first = fit(tmp_path / "part", 3)
    assert [*first, *fit(tmp_path / "rest", 7, tmp_path / "part" / "checkpoints" / "last.ckpt")] == whole
