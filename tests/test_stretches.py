"""Stretches of steps leave the weights, figures and counters of single steps, bit for bit."""

import csv
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kornia.augmentation as kornia
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EMAWeightAveraging, ModelCheckpoint
from training import make_module, make_trainer

from lit_tricks.callbacks import EMA, SWA, EarlyStopping, EpochTimer, LearningRate
from lit_tricks.data import DigitsDataModule
from lit_tricks.data.augmentation import (
    Affine,
    Augmentation,
    Colour,
    CutMix,
    Flip,
    MixUp,
    RandomCrop,
    RandomErasing,
)
from lit_tricks.errors import UserError
from lit_tricks.loggers import MetricsCSV
from lit_tricks.models import MLP
from lit_tricks.module import LitClassifier
from lit_tricks.objectives import WeightPenalty
from lit_tricks.optim import Cosine, OneCycle, TrainingPlan
from lit_tricks.stretches import MOST_STEPS, StretchLoop, install_stretches

pytestmark = [
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`, callbacks"),
]


class Outcome:
    """What one run left."""

    def __init__(self, trainer: pl.Trainer, module: LitClassifier, folder: Path) -> None:
        self.weights = torch.cat([value.double().flatten() for value in module.state_dict().values()])
        self.metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.metrics.pop("epoch_seconds", None)
        self.counters = trainer.fit_loop.state_dict()
        self.step, self.epoch = trainer.global_step, trainer.current_epoch
        self.rows = [
            {name: cell for name, cell in row.items() if name != "epoch_seconds"}
            for row in csv.DictReader((folder / "metrics.csv").read_text().splitlines())
        ]
        self.loop = trainer.fit_loop.epoch_loop


def run(folder: Path, stretches: bool, case: dict[str, Any], checkpoint: Path | None = None) -> Outcome:
    case = {"max_epochs": 3, **case}
    datamodule = DigitsDataModule(batch_size=case.pop("batch_size", 16), **case.pop("data", {}))
    datamodule.setup("fit")
    torch.manual_seed(3)
    network = MLP(datamodule.spec.input_shape, 10, hidden=[12], **case.pop("network", {}))
    module = make_module(datamodule, network=network, optimizer=case.pop("optimizer", None))
    steps = case.pop("augmentation", None)
    if steps is not None:
        module.augmentation = Augmentation(steps(), 11, datamodule.spec.value_range, datamodule.masked)
    module._penalty = case.pop("penalty", None)
    schedule = case.pop("schedule", None)
    if schedule is not None:
        module._make_schedule = lambda optimizer, *facts: schedule(optimizer, TrainingPlan(*facts))
    callbacks = [LearningRate(), EpochTimer(), *[make() for make in case.pop("callbacks", ())]]
    trainer = make_trainer(folder, case.pop("max_epochs"), callbacks, log_every_n_steps=7, **case)
    trainer.loggers = [MetricsCSV(folder, resume_epoch=None if checkpoint is None else 0)]
    if stretches:
        assert install_stretches(trainer) is None
    torch.manual_seed(7)
    trainer.fit(module, datamodule=datamodule, ckpt_path=checkpoint)
    return Outcome(trainer, module, folder)


def every_step() -> dict[str, Any]:
    shape, values = (1, 8, 8), (0.0, 16.0)
    return {
        "affine": Affine(shape, 30.0, 0.1, 5.0, 0.1, 0.8, 0.5),
        "flip": Flip(shape),
        "random_crop": RandomCrop(shape, padding=1),
        "colour": Colour(shape, brightness=0.2, contrast=0.2, value_range=values),
        "random_erasing": RandomErasing(shape, value_range=values),
        "mixup": MixUp(10),
        "cutmix": CutMix(shape, 10),
    }


def module_of_theirs() -> dict[str, Any]:
    return {"noise": kornia.RandomGaussianNoise(std=0.1, p=0.8), "mixup": MixUp(10)}


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.3, momentum=0.9, fused=True)


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "fused sgd": {"optimizer": sgd},
    "dropout and batch norm": {"network": {"dropout": 0.4, "norm": "batch"}},
    "cosine per step": {"schedule": Cosine()},
    "one cycle with momentum": {"schedule": OneCycle(), "optimizer": sgd},
    "clipping": {"gradient_clip_val": 0.05, "optimizer": sgd},
    "clipping by value": {"gradient_clip_val": 0.01, "gradient_clip_algorithm": "value"},
    "penalty": {"penalty": WeightPenalty(l1=1e-4, l2=1e-3)},
    "accumulation": {"accumulate_grad_batches": 3},
    "accumulation with schedule": {"accumulate_grad_batches": 4, "schedule": Cosine()},
    "several validations an epoch": {"val_check_interval": 0.2},
    "validation every 30 batches across epochs": {"val_check_interval": 30, "check_val_every_n_epoch": None},
    "max_steps": {"max_steps": 100, "max_epochs": -1},
    "limit_train_batches": {"limit_train_batches": 33},
    "no validation": {"data": {"val_size": 0}},
    "a short last batch": {"batch_size": 100},
    "one batch an epoch": {"batch_size": 2000},
    "two batches an epoch": {"batch_size": 700},
    "augmentation with dropout": {"augmentation": every_step, "network": {"dropout": 0.4, "norm": "batch"}},
    "augmentation of masked images": {
        "augmentation": every_step,
        "data": {"masked_region": [[0, 0, 3, 2], [5, 6, 3, 2]]},
    },
    "augmentation with accumulation": {"augmentation": every_step, "accumulate_grad_batches": 3, "batch_size": 10},
    "augmentation by kornia with dropout": {"augmentation": module_of_theirs, "network": {"dropout": 0.4}},
    "moving average": {"callbacks": [EMA], "network": {"norm": "batch"}, "accumulate_grad_batches": 2},
    "moving average without warm-up and early stopping": {
        "callbacks": [lambda: EMA(0.9, warm_up=False), lambda: EarlyStopping(patience=1)],
        "val_check_interval": 0.3,
    },
    "average of the last epochs": {"callbacks": [lambda: SWA(1)], "network": {"norm": "batch", "dropout": 0.4}},
    "early stopping": {"callbacks": [lambda: EarlyStopping(patience=1)], "optimizer": sgd, "max_epochs": 12},
}


# the first and the last batch are watched
TOO_SHORT = {
    "one batch an epoch": "an epoch of 1 batches is too short",
    "two batches an epoch": "an epoch of 2 batches is too short",
}


@pytest.mark.parametrize("name", CASES)
def test_stretches_leave_what_single_steps_leave(name: str, tmp_path: Path) -> None:
    single, stretched = run(tmp_path / "single", False, CASES[name]), run(tmp_path / "stretched", True, CASES[name])
    assert stretched.loop.reason == TOO_SHORT.get(name)
    assert torch.equal(single.weights, stretched.weights)
    assert single.metrics == stretched.metrics
    assert single.rows == stretched.rows
    assert (single.step, single.epoch) == (stretched.step, stretched.epoch)
    assert single.counters == stretched.counters


def test_most_steps_are_taken_in_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    original = StretchLoop._stretch
    monkeypatch.setattr(StretchLoop, "_stretch", lambda self, fetcher, n: (taken.append(n), original(self, fetcher, n)))
    outcome = run(tmp_path, True, {"batch_size": 8})
    assert sum(taken) == outcome.step - 2 * 3, "all but the first and the last batch of three epochs"
    assert max(taken) == MOST_STEPS


@pytest.mark.parametrize(
    ("every", "augmentation"), [(1, None), (5, None), (40, None), (40, every_step), (40, module_of_theirs)]
)
def test_checkpoints_within_an_epoch_resume_alike_on_either_path(
    every: int, augmentation: Callable[[], dict[str, Any]] | None, tmp_path: Path
) -> None:
    def keep(folder: Path) -> dict[str, Any]:
        def make() -> ModelCheckpoint:
            return ModelCheckpoint(folder / "steps", filename="{step}", every_n_train_steps=every, save_top_k=-1)

        case = {"callbacks": [make], "schedule": Cosine(), "network": {"dropout": 0.4}, "max_epochs": 2}
        return case | {"augmentation": augmentation}

    single = run(tmp_path / "single", False, keep(tmp_path / "single"))
    stretched = run(tmp_path / "stretched", True, keep(tmp_path / "stretched"))
    assert torch.equal(single.weights, stretched.weights)
    names = sorted(path.name for path in (tmp_path / "single" / "steps").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "stretched" / "steps").iterdir())
    middle = f"step={every * max(1, 50 // every)}.ckpt"
    for source in ("single", "stretched"):
        for stretches in (False, True):
            place = tmp_path / f"{source}-{stretches}"
            case = {key: value for key, value in keep(place).items() if key != "callbacks"}
            resumed = run(place, stretches, case, tmp_path / source / "steps" / middle)
            assert torch.equal(resumed.weights, single.weights), (source, stretches)
            assert resumed.metrics == single.metrics


class Watcher(pl.Callback):
    """Wants to see every batch."""

    def __init__(self) -> None:
        self.seen = 0

    def on_train_batch_end(self, *_: Any) -> None:
        self.seen += 1


def test_a_callback_that_watches_every_batch_gets_every_batch(tmp_path: Path) -> None:
    watcher = Watcher()
    outcome = run(tmp_path, True, {"callbacks": [lambda: watcher], "max_epochs": 2})
    assert outcome.loop.reason == "Watcher watches every batch (on_train_batch_end)"
    assert watcher.seen == outcome.step


def test_lightnings_weight_averaging_is_the_same_on_either_path(tmp_path: Path) -> None:
    case = {"callbacks": [lambda: EMAWeightAveraging(decay=0.9)], "max_epochs": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        single, stretched = run(tmp_path / "single", False, case), run(tmp_path / "stretched", True, case)
    assert "EMAWeightAveraging watches every batch" in stretched.loop.reason
    assert torch.equal(single.weights, stretched.weights)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ({"precision": "bf16-mixed"}, "precision bf16-mixed"),
        ({"detect_anomaly": True}, "anomaly detection"),
        ({"profiler": "simple"}, "the profiler wants to see every step"),
        ({"optimizer": lambda p: torch.optim.LBFGS(p, max_iter=1), "max_epochs": 1}, "several times a step"),
    ],
)
def test_what_rules_stretches_out_is_said(case: dict[str, Any], reason: str, tmp_path: Path) -> None:
    outcome = run(tmp_path, True, {"limit_train_batches": 5, "max_epochs": 1, **case})
    assert reason in outcome.loop.reason


@pytest.mark.parametrize("stretches", [False, True])
def test_a_loss_that_is_not_finite_is_found_at_its_step(stretches: bool, tmp_path: Path) -> None:
    class Breaks(MLP):
        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            Breaks.calls += self.training
            return super().forward(x) * (float("nan") if Breaks.calls == 30 and self.training else 1.0)

    datamodule = DigitsDataModule(batch_size=16)
    module = make_module(datamodule, network=Breaks((1, 8, 8), 10, hidden=[4]))
    trainer = make_trainer(tmp_path, 2)
    if stretches:
        install_stretches(trainer)
    with pytest.raises(UserError, match="became nan in epoch 0, step 29 of it"):
        trainer.fit(module, datamodule=datamodule)
    assert trainer.global_step == 29


def test_an_error_inside_a_stretch_names_its_batch(tmp_path: Path) -> None:
    class Fails(MLP):
        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            Fails.calls += self.training
            if Fails.calls == 21 and self.training:
                raise RuntimeError("broken")
            return super().forward(x)

    datamodule = DigitsDataModule(batch_size=16)
    trainer = make_trainer(tmp_path, 1)
    install_stretches(trainer)
    with pytest.raises(RuntimeError, match="broken") as error:
        trainer.fit(make_module(datamodule, network=Fails((1, 8, 8), 10, hidden=[4])), datamodule=datamodule)
    assert error.value.__notes__ == ["in batch 20 of epoch 0"]
