"""Checkpoints, random state and the module's own state make a resumed run the undisturbed one."""

import shutil
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from training import make_module, make_trainer

from lit_tricks.data import DigitsDataModule
from lit_tricks.data.spec import DataSpec


def flat_weights(module: pl.LightningModule) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


class StopAfter(pl.Callback):
    """Ends the run by an error after a number of batches, like a crash."""

    def __init__(self, batches: int) -> None:
        self.batches = batches

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if trainer.global_step == self.batches:
            trainer.save_checkpoint(Path(trainer.default_root_dir) / "middle.ckpt")
            raise RuntimeError("crash")


def train(
    folder: Path, epochs: int, seed: int, checkpoint: Path | None = None, **options: object
) -> pl.LightningModule:
    datamodule = DigitsDataModule(batch_size=64)
    module = make_module(datamodule, dropout=0.3)
    torch.manual_seed(seed)
    trainer = make_trainer(folder, epochs, **options)
    trainer.fit(module, datamodule=datamodule, ckpt_path=checkpoint)
    module.final_metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    return module


def test_resuming_at_an_epoch_gives_the_undisturbed_weights_bit_for_bit(tmp_path: Path) -> None:
    undisturbed = train(tmp_path / "a", 4, seed=1)
    train(tmp_path / "b", 2, seed=1)
    resumed = train(tmp_path / "b", 4, seed=99, checkpoint=tmp_path / "b" / "checkpoints" / "last.ckpt")
    assert torch.equal(flat_weights(undisturbed), flat_weights(resumed))
    assert undisturbed.final_metrics == resumed.final_metrics


def test_resuming_in_mid_epoch_gives_the_undisturbed_weights_and_epoch_metrics(tmp_path: Path) -> None:
    undisturbed = train(tmp_path / "a", 3, seed=1)
    with pytest.raises(RuntimeError, match="crash"):
        train(tmp_path / "b", 3, seed=1, callbacks=[StopAfter(30)])
    resumed = train(tmp_path / "b", 3, seed=99, checkpoint=tmp_path / "b" / "middle.ckpt")
    assert torch.equal(flat_weights(undisturbed), flat_weights(resumed))
    assert undisturbed.final_metrics == resumed.final_metrics


def test_checkpoint_holds_primitives_only_and_the_data_specification(tmp_path: Path) -> None:
    module = train(tmp_path, 1, seed=1)
    content = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert DataSpec.from_dict(content["hyper_parameters"]["data_spec"]) == module.spec
    assert torch.equal(content["state_dict"]["normaliser.scale"], module.normaliser.scale)


def test_ranking_follows_a_moved_run_directory(tmp_path: Path) -> None:
    train(tmp_path / "a", 2, seed=1)
    shutil.move(tmp_path / "a", tmp_path / "moved")
    folder = tmp_path / "moved" / "checkpoints"
    datamodule = DigitsDataModule(batch_size=64)
    trainer = make_trainer(tmp_path / "moved", 3)
    trainer.fit(make_module(datamodule, dropout=0.3), datamodule=datamodule, ckpt_path=folder / "last.ckpt")
    assert Path(trainer.checkpoint_callback.best_model_path) == folder / "best.ckpt"
    assert sorted(path.name for path in folder.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_best_checkpoint_is_the_epoch_with_the_lowest_validation_loss(tmp_path: Path) -> None:
    losses = []

    class Watch(pl.Callback):
        def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
            losses.append((float(trainer.callback_metrics["val/loss"]), flat_weights(module).clone()))

    datamodule = DigitsDataModule(batch_size=64)
    module = make_module(datamodule, optimizer=lambda parameters: torch.optim.SGD(parameters, lr=2.5))
    make_trainer(tmp_path, 6, [Watch()]).fit(module, datamodule=datamodule)
    best = min(range(6), key=lambda epoch: losses[epoch][0])
    assert best != 5, "the test needs a run whose last epoch is not its best"
    module.load_state_dict(torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"])
    assert torch.equal(flat_weights(module), losses[best][1])


def test_without_validation_the_last_checkpoint_remains(tmp_path: Path) -> None:
    datamodule = DigitsDataModule(batch_size=64, val_size=0)
    make_trainer(tmp_path, 2).fit(make_module(datamodule), datamodule=datamodule)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["last.ckpt"]
