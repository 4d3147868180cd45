"""Whatever sees or makes what happens between two steps rules stretches out, and nothing else does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.strategies import SingleDeviceStrategy
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.data import DataLoader, TensorDataset
from training import make_module, make_trainer

from lit_tricks import single_steps, stretches
from lit_tricks.callbacks import EMA, LearningRate
from lit_tricks.commandline.entry import main
from lit_tricks.data import BatchLoader, DigitsDataModule
from lit_tricks.module import LitClassifier
from lit_tricks.single_steps import reason_for_single_steps
from lit_tricks.stretches import install_stretches

pytestmark = [
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:The 'train_dataloader' does not have many workers"),
]

BATCHES = 8


@dataclass
class Setup:
    """What is about to train."""

    datamodule: Any
    module: Any
    callbacks: list[pl.Callback] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def setup() -> Setup:
    datamodule = DigitsDataModule(batch_size=16)
    return Setup(datamodule, make_module(datamodule))


def fitted(setup: Setup, folder: Path) -> pl.Trainer:
    options = {"limit_train_batches": BATCHES, "limit_val_batches": 1, **setup.options}
    trainer = make_trainer(folder, 1, setup.callbacks, **options)
    assert install_stretches(trainer) is None
    trainer.fit(setup.module, datamodule=setup.datamodule)
    return trainer


def becomes(thing: Any, **methods: Any) -> None:
    """Let ``thing`` be of a user's class, derived from its own."""
    thing.__class__ = type("Theirs", (type(thing),), methods)


def with_optimizer(setup: Setup, make: Callable[[Any], torch.optim.Optimizer]) -> None:
    setup.module._make_optimizer = make


def own_module_hook(setup: Setup) -> None:
    becomes(setup.module, on_after_backward=lambda self: None)


def patched_module(setup: Setup) -> None:
    original = setup.module.training_step
    setup.module.training_step = lambda batch, batch_idx: original(batch, batch_idx)


def own_datamodule_hook(setup: Setup) -> None:
    becomes(setup.datamodule, on_after_batch_transfer=lambda self, batch, index: batch)


def patched_datamodule(setup: Setup) -> None:
    setup.datamodule.on_before_batch_transfer = lambda batch, dataloader_idx: batch


def foreign_loader(setup: Setup) -> None:
    examples = setup.datamodule.train
    setup.datamodule.train_dataloader = lambda: DataLoader(TensorDataset(examples.x, examples.y), batch_size=16)


def own_iteration(setup: Setup) -> None:
    class Reversed(BatchLoader):
        def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
            return iter(list(super().__iter__())[::-1])

    loader = setup.datamodule.train_dataloader()
    loader.__class__ = Reversed
    setup.datamodule.train_dataloader = lambda: loader


def own_step(setup: Setup) -> None:
    class NeedsItsClosure(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:  # type: ignore[override]
            assert closure is not None
            return super().step(closure)

    with_optimizer(setup, lambda parameters: NeedsItsClosure(parameters, lr=0.1))


def replaced_step(setup: Setup) -> None:
    def make(parameters: Any) -> torch.optim.Optimizer:
        optimizer = torch.optim.SGD(parameters, lr=0.1)
        original = optimizer.step
        optimizer.step = lambda closure=None: original(closure)  # type: ignore[method-assign]
        return optimizer

    with_optimizer(setup, make)


def step_hook(kind: str) -> Callable[[Setup], None]:
    def change(setup: Setup) -> None:
        def make(parameters: Any) -> torch.optim.Optimizer:
            optimizer = torch.optim.SGD(parameters, lr=0.1)
            getattr(optimizer, f"register_step_{kind}_hook")(lambda *_: None)
            return optimizer

        with_optimizer(setup, make)

    return change


def scheduled(frequency: int) -> Callable[[Setup], None]:
    def change(setup: Setup) -> None:
        def make(optimizer: Any, *_: Any) -> dict[str, Any]:
            schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
            return {"scheduler": schedule, "interval": "step", "frequency": frequency}

        setup.module._make_schedule = make

    return change


def with_callback(make: Callable[[], pl.Callback]) -> Callable[[Setup], None]:
    return lambda setup: setup.callbacks.append(make())


def with_options(**options: Any) -> Callable[[Setup], None]:
    return lambda setup: setup.options.update(options)


class Strategy(SingleDeviceStrategy):
    pass


class TheirEMA(EMA):
    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        super().on_train_batch_end(trainer)


class TheirRate(LearningRate):
    def on_after_backward(self, *_: Any) -> None: ...


class TheirCheckpoint(ModelCheckpoint):
    def on_train_batch_end(self, *arguments: Any) -> None: ...


class RarerCheckpoint(ModelCheckpoint):
    def _should_skip_saving_checkpoint(self, trainer: pl.Trainer) -> bool:
        return True


class Mixin:
    def on_before_zero_grad(self, *_: Any) -> None: ...


class Mixed(Mixin, EMA):
    pass


def patched_callback() -> pl.Callback:
    callback = EMA()
    callback.on_train_batch_start = lambda *_: None  # type: ignore[method-assign]
    return callback


RULED_OUT: dict[str, tuple[Callable[[Setup], None], str]] = {
    "a hook of the module": (own_module_hook, "Theirs has its own on_after_backward"),
    "a hook put on the module": (patched_module, "LitClassifier has its own training_step"),
    "a hook of the data module": (own_datamodule_hook, "Theirs changes batches one by one"),
    "a hook put on the data module": (patched_datamodule, "DigitsDataModule changes batches one by one"),
    "another loader": (foreign_loader, "DataLoader hands out single batches"),
    "an iteration of its own": (own_iteration, "Reversed hands out single batches"),
    "a strategy": (with_options(strategy=Strategy("cpu")), "Strategy may train with several processes"),
    "validation by the clock": (
        with_options(val_check_interval=timedelta(hours=1), check_val_every_n_epoch=None),
        "validation by the clock may come after any step",
    ),
    "a rare schedule": (scheduled(2), "the schedule does not step with every step"),
    "a step of its own": (own_step, "NeedsItsClosure has its own step, which may evaluate the batch itself"),
    "a replaced step": (replaced_step, "the step of this SGD was replaced"),
    "a hook before the step": (step_hook("pre"), "a hook of SGD is called before or after every step"),
    "a hook after the step": (step_hook("post"), "a hook of SGD is called before or after every step"),
    "checkpoints by the clock": (
        with_callback(lambda: ModelCheckpoint(train_time_interval=timedelta(hours=1))),
        "ModelCheckpoint watches every batch (on_train_batch_end)",
    ),
    "a child of ours": (with_callback(TheirEMA), "TheirEMA watches every batch (on_train_batch_end)"),
    "another hook in a child of ours": (with_callback(TheirRate), "TheirRate watches every batch (on_after_backward)"),
    "a mixed-in hook": (with_callback(Mixed), "Mixed watches every batch (on_before_zero_grad)"),
    "a hook put on a callback": (with_callback(patched_callback), "EMA watches every batch (on_train_batch_start)"),
    "a child of Lightning's": (
        with_callback(TheirCheckpoint),
        "TheirCheckpoint watches every batch (on_train_batch_end)",
    ),
    "a child of Lightning's without the hook": (
        with_callback(RarerCheckpoint),
        "RarerCheckpoint watches every batch (on_train_batch_end)",
    ),
    "too much accumulated": (
        with_options(accumulate_grad_batches=65, limit_train_batches=1.0),
        "a step of 65 batches is longer than a stretch",
    ),
    "validation all the time": (
        with_options(val_check_interval=1),
        "validation comes after every 1 batches",
    ),
    "checkpoints all the time": (
        with_callback(lambda: ModelCheckpoint(every_n_train_steps=1)),
        "a checkpoint is saved after every 1 steps",
    ),
    "a short epoch": (with_options(limit_train_batches=3), "an epoch of 3 batches is too short"),
}


@pytest.mark.parametrize("name", RULED_OUT)
def test_what_relies_on_single_steps_gets_them_and_the_reason_is_known(name: str, setup: Setup, tmp_path: Path) -> None:
    change, reason = RULED_OUT[name]
    change(setup)
    assert fitted(setup, tmp_path).fit_loop.epoch_loop.reason == reason


class Unwatching(EMA):
    """Changes nothing about batches."""

    def on_train_epoch_end(self, *_: Any) -> None: ...


class Saying(EMA):
    """Says for itself that its hook may be left out."""

    bears_stretches = True

    def on_train_batch_start(self, *_: Any) -> None: ...


class Named(torch.optim.SGD):
    """Leaves the step to torch."""


FINE: dict[str, Callable[[Setup], None]] = {
    "a child without hooks of batches": with_callback(Unwatching),
    "a child that says so": with_callback(Saying),
    "checkpoints of epochs": with_callback(ModelCheckpoint),
    "checkpoints now and then": with_callback(lambda: ModelCheckpoint(every_n_train_steps=5)),
    "a schedule": scheduled(1),
    "a child of torch's": lambda setup: with_optimizer(setup, lambda parameters: Named(parameters, lr=0.1)),
    "some accumulation": with_options(accumulate_grad_batches=2),
}


@pytest.mark.parametrize("name", FINE)
def test_what_does_not_leaves_stretches(name: str, setup: Setup, tmp_path: Path) -> None:
    FINE[name](setup)
    assert fitted(setup, tmp_path).fit_loop.epoch_loop.reason is None


@pytest.mark.parametrize("register", [register_optimizer_step_pre_hook, register_optimizer_step_post_hook])
def test_a_hook_of_all_optimizers_rules_them_out(register: Any, setup: Setup, tmp_path: Path) -> None:
    handle = register(lambda *_: None)
    try:
        with_optimizer(setup, lambda parameters: torch.optim.SGD(parameters, lr=0.1))
        assert "a hook of SGD" in fitted(setup, tmp_path).fit_loop.epoch_loop.reason
    finally:
        handle.remove()


def test_large_batches_rule_them_out(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_steps, "MOST_VALUES", 2 * 16 * 64 - 1)
    reason = fitted(setup, tmp_path).fit_loop.epoch_loop.reason
    assert reason == "batches of 16 examples are too large to be gathered several at once"


@pytest.mark.parametrize("count", [0, 2])
def test_other_than_one_loader_rules_them_out(count: int) -> None:
    loaders = SimpleNamespace(flattened=[None] * count)
    trainer = SimpleNamespace(fit_loop=SimpleNamespace(_combined_loader=loaders))
    assert reason_for_single_steps(trainer) == f"{count} training loaders are no single order of batches"


def test_a_hook_that_edits_gradients_does_on_either_path(tmp_path: Path) -> None:
    found = []
    for stretches_wanted in (False, True):
        datamodule = DigitsDataModule(batch_size=16)
        module = make_module(datamodule)

        def make(parameters: Any) -> torch.optim.Optimizer:
            optimizer = torch.optim.SGD(parameters, lr=0.1)

            def double(optimizer: Any, *_: Any) -> None:
                for parameter in optimizer.param_groups[0]["params"]:
                    if parameter.grad is not None:
                        parameter.grad *= 2

            optimizer.register_step_pre_hook(double)
            return optimizer

        module._make_optimizer = make
        trainer = make_trainer(tmp_path / str(stretches_wanted), 1)
        if stretches_wanted:
            install_stretches(trainer)
        trainer.fit(module, datamodule=datamodule)
        found.append(torch.cat([weight.flatten() for weight in module.parameters()]))
    assert torch.equal(*found)


class Watcher(pl.Callback):
    """Wants to see every batch."""

    def __init__(self) -> None:
        self.seen = 0

    def on_train_batch_end(self, *_: Any) -> None:
        self.seen += 1


class Hires(pl.Callback):
    """Adds a watcher at the end of the first epoch."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher

    def on_train_epoch_end(self, trainer: pl.Trainer, module: LitClassifier) -> None:
        if trainer.current_epoch == 0:
            trainer.callbacks.append(self.watcher)


def test_what_changes_in_mid_run_is_judged_anew(setup: Setup, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "lit_tricks")
    watcher = Watcher()
    trainer = make_trainer(tmp_path, 4, [Hires(watcher)], limit_train_batches=BATCHES)
    install_stretches(trainer)
    trainer.fit(setup.module, datamodule=setup.datamodule)
    assert watcher.seen == 3 * BATCHES
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith("steps: ")]
    assert said == ["steps: in stretches", "steps: one by one, since Watcher watches every batch (on_train_batch_end)"]


def test_a_second_fit_is_judged_anew(setup: Setup, tmp_path: Path) -> None:
    trainer = fitted(setup, tmp_path)
    assert trainer.fit_loop.epoch_loop.reason is None
    watcher = Watcher()
    trainer.callbacks.append(watcher)
    trainer.fit_loop.max_epochs = 2
    trainer.fit(setup.module, datamodule=setup.datamodule)
    assert watcher.seen == BATCHES
    trainer.callbacks.remove(watcher)
    trainer.fit_loop.max_epochs = 3
    trainer.fit(setup.module, datamodule=setup.datamodule)
    assert trainer.fit_loop.epoch_loop.reason is None


def test_another_lightning_is_the_reason_in_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stretches, "TESTED", "0.1.")
    folder = tmp_path / "run"
    assert main(["trainer.max_epochs=1", "logger=none", f"hydra.run.dir={folder}"]) == 0
    reason = f"stretches are tested with pytorch-lightning 0.1.x, not {pl.__version__}"
    assert f'"stepping": "single: {reason}"' in (folder / "results.json").read_text()
    assert f"steps: one by one, since {reason}" in capsys.readouterr().out
