"""Early stopping stops where it says and hands back the best epoch's weights."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from training import make_module, make_trainer

from lit_tricks.callbacks import EarlyStopping
from lit_tricks.data import DigitsDataModule
from lit_tricks.errors import UserError


def flat_weights(module: pl.LightningModule) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


class Watch(pl.Callback):
    """Keeps validation loss and weights of every epoch."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.weights: list[torch.Tensor] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.losses.append(float(trainer.callback_metrics["val/loss"]))
        self.weights.append(flat_weights(module))


def fit(folder: Path, patience: int, epochs: int, lr: float) -> tuple[Watch, pl.LightningModule]:
    datamodule, watch = DigitsDataModule(batch_size=64), Watch()
    module = make_module(datamodule, optimizer=lambda parameters: torch.optim.SGD(parameters, lr=lr))
    make_trainer(folder, epochs, [EarlyStopping(patience=patience), watch]).fit(module, datamodule=datamodule)
    return watch, module


def test_stops_after_patience_and_restores_the_best_weights(tmp_path: Path) -> None:
    watch, module = fit(tmp_path, patience=2, epochs=40, lr=2.5)
    best = watch.losses.index(min(watch.losses))
    assert len(watch.losses) == best + 1 + 2, "training ends two epochs after the best"
    restored = flat_weights(module)
    assert torch.equal(restored, watch.weights[best])
    assert not torch.equal(restored, watch.weights[-1])


def test_restores_the_best_weights_when_epochs_run_out_first(tmp_path: Path) -> None:
    watch, module = fit(tmp_path, patience=50, epochs=6, lr=2.5)
    best = watch.losses.index(min(watch.losses))
    assert best != 5, "the test needs a run whose last epoch is not its best"
    assert torch.equal(flat_weights(module), watch.weights[best])


@pytest.mark.filterwarnings("ignore:Total length of `list` across ranks is zero")
def test_refuses_a_run_without_validation(tmp_path: Path) -> None:
    datamodule = DigitsDataModule(batch_size=64, val_size=0)
    trainer = make_trainer(tmp_path, 2, [EarlyStopping()])
    with pytest.raises(UserError, match="early stopping needs validation"):
        trainer.fit(make_module(datamodule), datamodule=datamodule)


def test_refuses_a_metric_that_no_checkpoint_watches(tmp_path: Path) -> None:
    datamodule = DigitsDataModule(batch_size=64)
    trainer = make_trainer(tmp_path, 2, [EarlyStopping(monitor="val/acc", mode="max")])
    with pytest.raises(UserError, match="none watches val/acc"):
        trainer.fit(make_module(datamodule), datamodule=datamodule)


@pytest.mark.parametrize("wrong", [{"patience": 0}, {"min_delta": -0.1}])
def test_refuses_values_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match="patience of at least 1 and min_delta of at least 0"):
        EarlyStopping(**wrong)
