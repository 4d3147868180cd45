"""An error in a stretch says where it came, and leaves loader and counters where a resumed run can go on."""

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from training import make_module, make_trainer

from lit_tricks import stretches
from lit_tricks.data import DigitsDataModule
from lit_tricks.errors import UserError
from lit_tricks.models import MLP
from lit_tricks.module import LitClassifier
from lit_tricks.stretches import StretchLoop, install_stretches

pytestmark = [
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`, callbacks"),
]

# 1,294 examples in batches of 16
BATCHES = 81


def fit(module: LitClassifier, folder: Path, **options: Any) -> pl.Trainer:
    trainer = make_trainer(folder, 1, **options)
    assert install_stretches(trainer) is None
    trainer.fit(module, datamodule=DigitsDataModule(batch_size=16))
    return trainer


def module_with(**options: Any) -> LitClassifier:
    return make_module(DigitsDataModule(batch_size=16), **options)


class BrokenSchedule(torch.optim.lr_scheduler.LRScheduler):
    """Fails after the step number ``at``, counted from 0."""

    def __init__(self, optimizer: torch.optim.Optimizer, at: int) -> None:
        self.at, self.calls = at, -1
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        self.calls += 1
        if self.calls == self.at + 1:
            raise RuntimeError("broken")
        return [group["lr"] for group in self.optimizer.param_groups]


@pytest.mark.parametrize("at", [0, 1, 20, BATCHES - 1])
def test_an_error_of_the_schedule_names_the_batch_of_its_step(at: int, tmp_path: Path) -> None:
    module = module_with()
    module._make_schedule = lambda optimizer, *_: {
        "scheduler": BrokenSchedule(optimizer, at),
        "interval": "step",
        "frequency": 1,
    }
    with pytest.raises(RuntimeError, match="broken") as error:
        fit(module, tmp_path)
    assert error.value.__notes__ == [f"in batch {at} of epoch 0"]


def test_an_error_of_the_augmentation_names_the_batches_that_were_changed_together(tmp_path: Path) -> None:
    calls: list[int] = []

    def breaks(x: torch.Tensor, y: torch.Tensor, *_: Any) -> tuple[torch.Tensor, torch.Tensor]:
        calls.append(len(y))
        if len(calls) == 2:
            raise RuntimeError("broken")
        return x, y

    module = module_with()
    module.augmentation = breaks
    with pytest.raises(RuntimeError, match="broken") as error:
        fit(module, tmp_path)
    assert error.value.__notes__ == ["in batches 1 to 64 of epoch 0"]


class Fails(MLP):
    """Fails in the training batch number ``at``, counted from 1; never for 0."""

    def __init__(self, at: int) -> None:
        super().__init__((1, 8, 8), 10, hidden=[4])
        self.at, self.calls = at, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += self.training
        if self.training and self.calls == self.at:
            raise RuntimeError("broken")
        return super().forward(x)


class Keeps(pl.Callback):
    """Saves what an exception leaves."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "failed.ckpt"

    def on_exception(self, trainer: pl.Trainer, *_: Any) -> None:
        trainer.save_checkpoint(self.path, weights_only=False)


def train(
    folder: Path, accumulated: int, at: int = 0, checkpoint: Path | None = None
) -> tuple[pl.Trainer, torch.Tensor]:
    datamodule = DigitsDataModule(batch_size=16)
    torch.manual_seed(3)
    module = make_module(datamodule, network=Fails(at))
    trainer = make_trainer(folder, 2, [Keeps(folder)], accumulate_grad_batches=accumulated)
    install_stretches(trainer)
    try:
        trainer.fit(module, datamodule=datamodule, ckpt_path=checkpoint)
    except RuntimeError:
        assert at
    assert trainer.fit_loop.epoch_loop.reason is None
    return trainer, torch.cat([weight.flatten() for weight in module.parameters()])


@pytest.mark.parametrize("accumulated", [1, 4])
def test_an_exception_leaves_a_checkpoint_that_loses_no_batch(accumulated: int, tmp_path: Path) -> None:
    whole, weights = train(tmp_path / "whole", accumulated)
    # the first batch of a group, in the middle of a stretch
    failed, _ = train(tmp_path / "failed", accumulated, at=41)
    assert failed.global_step == 40 // accumulated
    content = torch.load(tmp_path / "failed" / "failed.ckpt", weights_only=True)
    assert content["loops"]["fit_loop"]["state_dict"]["combined_loader"] == [{"epoch": 0, "cursor": 40}]
    resumed, found = train(tmp_path / "resumed", accumulated, checkpoint=tmp_path / "failed" / "failed.ckpt")
    assert torch.equal(found, weights)
    assert resumed.callback_metrics == whole.callback_metrics
    assert resumed.fit_loop.state_dict() == whole.fit_loop.state_dict()


def test_a_loader_that_ends_early_ends_the_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    original = StretchLoop._stretch

    def ahead(loop: StretchLoop, fetcher: Any, count: int) -> None:
        taken.append(count)
        assert len(taken) < 5, "the epoch never ends"
        if len(taken) == 1:
            # as a checkpoint leaves the loader when it had gone further than the counters
            loop._loader.give_back(-70)
        original(loop, fetcher, count)

    monkeypatch.setattr(StretchLoop, "_stretch", ahead)
    monkeypatch.setattr(stretches, "MOST_STEPS", 8)
    trainer = fit(module_with(), tmp_path)
    assert taken == [8, 8, 8]
    assert trainer.global_step == BATCHES - 70
    assert trainer.current_epoch == 1


def test_where_asking_at_each_step_is_dear_the_epoch_is_named_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as on an accelerator
    monkeypatch.setattr("lit_tricks.module.is_finite_here", lambda loss: True)
    module = module_with(optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1e30))
    with pytest.raises(UserError, match="became nan in epoch 0: try"):
        fit(module, tmp_path)
