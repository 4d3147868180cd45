"""The range test raises every group's rate as it says, and ends where there is nothing more to learn."""

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from training import make_module

from lit_tricks.callbacks import LearningRateFinder
from lit_tricks.data import DigitsDataModule
from lit_tricks.errors import Diverged, UserError
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


class Breaks(MLP):
    """Multiplies the outputs of its 35th batch."""

    def __init__(self, by: float) -> None:
        torch.manual_seed(0)
        super().__init__((1, 8, 8), 10, hidden=[16])
        self.by, self.calls = by, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return super().forward(x) * (self.by if self.calls == 35 else 1.0)


def test_a_loss_that_jumps_to_infinity_leaves_what_was_found_before(tmp_path: Path) -> None:
    finder = LearningRateFinder(1e-2, 10.0, steps=40)
    with pytest.raises(Diverged):
        search(tmp_path, finder, network=Breaks(math.inf))
    assert len(finder.result().losses) == 34


def test_how_far_the_loss_explodes_does_not_matter(tmp_path: Path) -> None:
    found = []
    for by in (1e3, 1e25):
        finder = LearningRateFinder(1e-2, 10.0, steps=40)
        search(tmp_path, finder, network=Breaks(by))
        found.append(finder.result())
    mild, wild = found
    assert mild.diverged
    assert wild.losses[-1] > 1e20 * mild.losses[-1]
    assert (mild.steepest, mild.valley, mild.levels) == (wild.steepest, wild.valley, wild.levels)


def test_losses_are_those_of_a_loop_written_by_hand(tmp_path: Path) -> None:
    finder = LearningRateFinder(1e-2, 3.0, steps=18)
    search(tmp_path, finder)
    datamodule = DigitsDataModule(batch_size=64)
    module = make_module(datamodule)
    first, *rest = list(module.network.parameters())
    losses = []
    for rate, (x, y) in zip(np.geomspace(1e-2, 3.0, 18), datamodule.train_dataloader(), strict=False):
        loss = torch.nn.functional.cross_entropy(module(x), y)
        gradients = torch.autograd.grad(loss, [first, *rest])
        with torch.no_grad():
            for parameter, gradient in zip([first, *rest], gradients, strict=True):
                parameter -= (0.2 if parameter is first else 1.0) * rate * gradient
        losses.append(loss.item())
    assert finder.result().losses == pytest.approx(losses, rel=1e-5)


class ByLightning(pl.LightningModule):
    """The digits as Lightning's own finder wants them: it sets ``lr``."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module, self.lr = module, 0.1

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(self.module(batch[0]), batch[1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.lr)


def test_rates_and_suggestion_agree_with_lightnings_own_finder(tmp_path: Path) -> None:
    datamodule = DigitsDataModule(batch_size=64)
    module = make_module(datamodule, optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1))
    options: dict[str, Any] = {
        "accelerator": "cpu", "max_epochs": -1, "logger": False, "enable_progress_bar": False, "limit_val_batches": 0,
        "enable_model_summary": False, "enable_checkpointing": False, "default_root_dir": str(tmp_path),
    }  # fmt: skip
    theirs = pl.tuner.Tuner(pl.Trainer(**options)).lr_find(
        ByLightning(copy.deepcopy(module)), train_dataloaders=datamodule.train_dataloader(),
        min_lr=1e-4, max_lr=10.0, num_training=100, update_attr=False,
    )  # fmt: skip
    finder = LearningRateFinder(1e-4, 10.0, steps=101)
    pl.Trainer(**options, max_steps=101, callbacks=[finder]).fit(module, datamodule=datamodule)
    ours = finder.result()
    # Lightning's schedule leaves out the second rate of the row
    rates = [rate for index, rate in enumerate(ours.rates) if index != 1]
    shared = min(len(rates), len(theirs.results["lr"]))
    assert theirs.results["lr"][:shared] == pytest.approx(rates[:shared])
    assert shared > 60
    suggested = theirs.suggestion()
    assert suggested is not None
    assert suggested / 4 < ours.steepest < suggested * 4


def test_accumulated_batches_make_one_point(tmp_path: Path) -> None:
    finder, rates = LearningRateFinder(1e-2, 10.0, steps=20), Rates()
    search(tmp_path, finder, rates, accumulate_grad_batches=3)
    found = finder.result()
    assert len(found.rates) == 20
    assert len(rates.seen) > 50
    # the mean over the batches, not the sum of the shares that Lightning divides them into
    assert found.losses[0] == pytest.approx(math.log(10), abs=0.3)


def test_a_finder_begins_anew_with_every_training(tmp_path: Path) -> None:
    finder = LearningRateFinder(1e-2, 10.0, steps=20)
    search(tmp_path, finder)
    first = finder.result()
    search(tmp_path, finder)
    assert finder.result() == first


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
