"""The range test raises every group's rate as it says, and ends where there is nothing more to learn."""

import math
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from training import make_module

from lit_tricks.callbacks import LearningRateFinder
from lit_tricks.data import DigitsDataModule
from lit_tricks.errors import NotFinite, UserError
from lit_tricks.models import MLP

pytestmark = pytest.mark.filterwarnings("ignore:The number of training batches")


class Rates(pl.Callback):
    """Keeps the rates of every group at every batch."""

    def __init__(self) -> None:
        self.seen: list[list[float]] = []

    def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
        self.seen.append([group["lr"] for group in trainer.optimizers[0].param_groups])


def two_groups(parameters: Any) -> torch.optim.Optimizer:
    first, *rest = list(parameters)
    return torch.optim.SGD([{"params": [first], "lr": 0.02}, {"params": rest}], lr=0.1)


def search(folder: Path, finder: LearningRateFinder, *callbacks: pl.Callback, **options: Any) -> pl.Trainer:
    datamodule = DigitsDataModule(batch_size=64)
    module = make_module(datamodule, optimizer=two_groups, network=options.pop("network", None))
    trainer = pl.Trainer(
        accelerator="cpu", max_epochs=-1, max_steps=finder.steps, logger=False, callbacks=[finder, *callbacks],
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0,
        default_root_dir=str(folder), **options,
    )  # fmt: skip
    trainer.fit(module, datamodule=datamodule)
    return trainer


def test_rates_rise_by_a_constant_factor_and_groups_keep_their_ratio(tmp_path: Path) -> None:
    finder, rates = LearningRateFinder(1e-4, 1.0, steps=41), Rates()
    search(tmp_path, finder, rates)
    assert [high for _, high in rates.seen] == pytest.approx([1e-4 * 10 ** (step / 10) for step in range(41)])
    assert [low / high for low, high in rates.seen] == pytest.approx([0.2] * 41)
    found = finder.result()
    assert found.rates == pytest.approx([high for _, high in rates.seen])
    assert not found.diverged
    assert found.losses[0] == pytest.approx(math.log(10), abs=0.3)
    assert {found.steepest, found.valley} < set(found.rates)
    assert 0.01 < found.suggestion <= 1


def test_the_test_ends_when_the_loss_has_diverged(tmp_path: Path) -> None:
    finder = LearningRateFinder(1e-3, 1e6, steps=200, suggestion="valley")
    trainer = search(tmp_path, finder)
    found = finder.result()
    assert found.diverged
    assert trainer.global_step == len(found.rates) < 150
    assert found.losses[-1] > 4 * min(found.levels)
    assert found.suggestion == found.valley < found.steepest


def test_a_loss_that_jumps_to_infinity_leaves_what_was_found_before(tmp_path: Path) -> None:
    class Breaks(MLP):
        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            Breaks.calls += 1
            return super().forward(x) * (math.inf if Breaks.calls == 35 else 1.0)

    finder = LearningRateFinder(1e-2, 10.0, steps=40)
    with pytest.raises(NotFinite):
        search(tmp_path, finder, network=Breaks((1, 8, 8), 10, hidden=[16]))
    assert len(finder.result().losses) == 34


def test_accumulated_batches_make_one_point(tmp_path: Path) -> None:
    finder, rates = LearningRateFinder(1e-4, 1.0, steps=20), Rates()
    search(tmp_path, finder, rates, accumulate_grad_batches=3)
    assert len(finder.result().rates) == 20
    assert len(rates.seen) > 50


def test_a_loss_that_never_falls_has_no_rate(tmp_path: Path) -> None:
    finder = LearningRateFinder(1e-12, 1e-9, steps=20)
    search(tmp_path, finder)
    with pytest.raises(UserError, match="the loss fell nowhere by more than its noise"):
        finder.result()


def test_a_loss_that_diverges_at_once_has_no_rate(tmp_path: Path) -> None:
    finder = LearningRateFinder(1e3, 1e9, steps=100)
    search(tmp_path, finder)
    with pytest.raises(UserError, match=r"the loss diverged within \d steps"):
        finder.result()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"min_lr": 0}, "needs 0 < min_lr < max_lr; received 0"),
        ({"min_lr": 1.0, "max_lr": 0.1}, r"received 1\.0 and 0\.1"),
        ({"steps": 9}, "10 steps or more; received 9"),
        ({"suggestion": "minimum"}, "steepest or valley; received minimum"),
    ],
)
def test_refuses_values_out_of_range(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        LearningRateFinder(**wrong)
