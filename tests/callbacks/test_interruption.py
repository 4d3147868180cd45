"""Ctrl-C within a step ends training between two steps, and the checkpoint goes on to the very same weights."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from training import make_module, make_trainer

from lit_tricks.callbacks import EMA, Interruption
from lit_tricks.data import DigitsDataModule
from lit_tricks.models import MLP
from lit_tricks.optim import Cosine, TrainingPlan
from lit_tricks.stretches import install_stretches

pytestmark = [
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`, callbacks"),
]

# 1,294 examples in batches of 16
BATCHES = 81


@pytest.fixture(autouse=True)
def _ctrl_c() -> Iterator[None]:
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    # Lightning ignores Ctrl-C from the first one on
    signal.signal(signal.SIGINT, handler)


class Interrupting(MLP):
    """Presses Ctrl-C, ``times`` times, in the training batch number ``at`` of the process."""

    def __init__(self, at: int, times: int) -> None:
        super().__init__((1, 8, 8), 10, hidden=[12], dropout=0.3, norm="batch")
        self.at, self.times, self.calls = at, times, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += self.training
        if self.training and self.calls == self.at:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)
        return super().forward(x)


def train(
    folder: Path, stretches: bool, at: int = 0, times: int = 1, checkpoint: Path | None = None, **options: Any
) -> tuple[pl.Trainer, torch.Tensor]:
    datamodule = DigitsDataModule(batch_size=16)
    datamodule.setup("fit")
    torch.manual_seed(3)
    module = make_module(datamodule, network=Interrupting(at, times))
    module._make_schedule = lambda optimizer, *facts: Cosine()(optimizer, TrainingPlan(*facts))
    trainer = make_trainer(folder, 2, [EMA(0.9)], **options)
    trainer.callbacks.append(Interruption())
    if stretches:
        assert install_stretches(trainer) is None
    torch.manual_seed(7)
    try:
        trainer.fit(module, datamodule=datamodule, ckpt_path=checkpoint)
    except SystemExit:
        assert trainer.interrupted
    return trainer, torch.cat([value.double().flatten() for value in module.state_dict().values()])


@pytest.mark.parametrize(
    ("stretches", "accumulated", "at", "steps"),
    [
        # the stretch ends with its step, and one more is taken through Lightning
        (True, 1, 31, 32),
        (True, 1, 1, 1),
        # with the group of batches that it is in
        (True, 4, 23, 7),
        (False, 4, 31, 8),
        (False, 1, 31, 31),
        # an epoch's end is waited for
        (True, 1, BATCHES, BATCHES),
        (False, 1, 2 * BATCHES, 2 * BATCHES),
        (True, 1, BATCHES + 40, BATCHES + 41),
    ],
)
def test_the_step_is_finished_saved_and_resumed_from(
    stretches: bool, accumulated: int, at: int, steps: int, tmp_path: Path
) -> None:
    options = {"accumulate_grad_batches": accumulated, "val_check_interval": 0.2}
    whole, weights = train(tmp_path / "whole", stretches, **options)
    assert not whole.interrupted
    stopped, _ = train(tmp_path / "stopped", stretches, at, **options)
    assert stopped.interrupted
    assert stopped.global_step == steps
    last = tmp_path / "stopped" / "checkpoints" / "last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == steps
    resumed, found = train(tmp_path / "resumed", stretches, checkpoint=last, **options)
    assert not resumed.interrupted
    assert torch.equal(found, weights)
    figures = {name: value for name, value in whole.callback_metrics.items() if name.startswith("val/")}
    if steps < 2 * BATCHES:
        assert {name: resumed.callback_metrics[name] for name in figures} == figures
        assert resumed.callback_metrics["train/loss"] == whole.callback_metrics["train/loss"]
    assert resumed.global_step == whole.global_step


def test_the_second_one_stops_at_once_and_leaves_the_last_epochs_checkpoint(tmp_path: Path) -> None:
    trainer, _ = train(tmp_path, True, BATCHES + 31, times=2)
    assert trainer.interrupted
    assert trainer.global_step == BATCHES + 30
    checkpoint = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == BATCHES


def test_ctrl_c_is_the_users_again_after_training(tmp_path: Path) -> None:
    train(tmp_path, True)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_somebody_else_stays(tmp_path: Path) -> None:
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    trainer, _ = train(tmp_path, True, at=10)
    assert heard == [1]
    assert not trainer.interrupted
