"""Averages are what they say, are what is validated, saved and handed back, and leave training alone."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EMAWeightAveraging
from torch import Tensor
from torch.optim.swa_utils import update_bn
from training import make_module, make_trainer

from lit_tricks.callbacks import EMA, SWA, EarlyStopping
from lit_tricks.commandline.entry import main
from lit_tricks.data import DigitsDataModule
from lit_tricks.errors import UserError
from lit_tricks.evaluate import evaluate_run
from lit_tricks.evaluation import evaluate_split
from lit_tricks.models import MLP
from lit_tricks.module import LitClassifier
from lit_tricks.optim import Plateau, TrainingPlan
from lit_tricks.restore import restore
from lit_tricks.stretches import install_stretches

pytestmark = [
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`, callbacks"),
]
AVERAGES: dict[str, Callable[[], pl.Callback]] = {
    "EMA": lambda: EMA(0.9),
    "EMA without warm-up": lambda: EMA(0.9, warm_up=False),
    "SWA": lambda: SWA(1),
}
State = dict[str, Tensor]


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.2, momentum=0.9)


def noted(module: pl.LightningModule) -> State:
    return {name: value.detach().clone() for name, value in module.state_dict().items() if value.is_floating_point()}


def same(one: State, other: State) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


class Notes(pl.Callback):
    """Keeps the tensors of every step, epoch and validation."""

    def __init__(self) -> None:
        self.steps: list[State] = []
        self.epochs: list[State] = []
        self.validations: list[State] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.steps.append(noted(pl_module))

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        if trainer.global_step == len(self.steps):
            self.steps.append(noted(pl_module))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.epochs.append(noted(pl_module))

    def on_validation_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        self.validations.append(noted(pl_module))


class StopAfter(pl.Callback):
    """Ends the run by an error after a number of steps, like a crash, its checkpoint written just before."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if trainer.global_step == self.step:
            trainer.save_checkpoint(Path(trainer.default_root_dir) / "middle.ckpt")
            raise RuntimeError("crash")


class Run:
    """One training run on the digits with batch norm and dropout, which depend on everything."""

    def __init__(
        self,
        folder: Path,
        callbacks: Sequence[pl.Callback] = (),
        epochs: int = 3,
        seed: int = 7,
        checkpoint: Path | None = None,
        dropout: float = 0.3,
        stretches: bool = False,
        schedule: Any = None,
        batch_size: int = 64,
        **options: Any,
    ) -> None:
        self.folder = folder
        self.datamodule = DigitsDataModule(batch_size=batch_size, val_size=0.2)
        self.datamodule.setup("fit")
        torch.manual_seed(3)
        network = MLP(self.datamodule.spec.input_shape, 10, hidden=[12], norm="batch", dropout=dropout)
        self.module: LitClassifier = make_module(self.datamodule, network=network, optimizer=sgd)
        if schedule is not None:
            self.module._make_schedule = lambda optimizer, *facts: schedule(optimizer, TrainingPlan(*facts))
        self.trainer = make_trainer(folder, epochs, callbacks, **options)
        if stretches:
            install_stretches(self.trainer)
        torch.manual_seed(seed)
        self.trainer.fit(self.module, datamodule=self.datamodule, ckpt_path=checkpoint)
        self.metrics = {name: float(value) for name, value in self.trainer.callback_metrics.items()}

    def checkpoint(self, name: str = "last.ckpt") -> dict[str, Any]:
        return torch.load(self.folder / "checkpoints" / name, weights_only=True)


@pytest.mark.parametrize(("warm_up", "accumulate"), [(False, 1), (True, 1), (True, 3)])
def test_the_moving_average_has_its_closed_form(warm_up: bool, accumulate: int, tmp_path: Path) -> None:
    notes, average = Notes(), EMA(0.8, warm_up=warm_up)
    run = Run(tmp_path, [average, notes], epochs=1, accumulate_grad_batches=accumulate)
    steps = len(notes.steps) - 1
    assert steps == 18 // accumulate
    decays = [min(0.8, (1 + t) / (10 + t)) if warm_up else 0.8 for t in range(1, steps + 1)]
    shares = [1.0, *(1 - decay for decay in decays)]
    for t, decay in enumerate(decays, start=1):
        shares[:t] = [share * decay for share in shares[:t]]
    assert sum(shares) == pytest.approx(1)
    assert average.count == steps
    for name, value in noted(run.module).items():
        expected = sum(share * state[name].double() for share, state in zip(shares, notes.steps, strict=True))
        torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-6)


def test_the_average_of_epochs_is_their_mean_and_its_batch_norm_that_of_torch(tmp_path: Path) -> None:
    notes = Notes()
    run = Run(tmp_path, [SWA(2), notes], epochs=5)
    weights = [name for name, _ in run.module.named_parameters()]
    for name in weights:
        expected = sum(state[name].double() for state in notes.epochs[2:]) / 3
        torch.testing.assert_close(noted(run.module)[name].double(), expected, rtol=1e-5, atol=1e-6)
    batches = list(run.trainer.train_dataloader)
    reference = MLP(run.datamodule.spec.input_shape, 10, hidden=[12], norm="batch")
    reference.load_state_dict(run.module.network.state_dict())
    update_bn([run.module.normaliser(x) for x, _ in batches], reference)
    for statistic in ("running_mean", "running_var"):
        ours = getattr(run.module.network.layers[0].norm, statistic)
        torch.testing.assert_close(ours, getattr(reference.layers[0].norm, statistic))
        assert not torch.allclose(ours, notes.epochs[-1][f"network.layers.0.norm.{statistic}"], rtol=1e-3)


@pytest.mark.parametrize("name", AVERAGES)
def test_training_itself_is_untouched_and_the_average_is_validated_saved_and_kept(name: str, tmp_path: Path) -> None:
    plain_notes, notes = Notes(), Notes()
    plain = Run(tmp_path / "plain", [plain_notes])
    run = Run(tmp_path / "run", [AVERAGES[name](), notes])
    assert all(same(one, other) for one, other in zip(plain_notes.epochs, notes.epochs, strict=True))
    assert run.metrics["train/loss"] == plain.metrics["train/loss"]
    final, last = noted(run.module), run.checkpoint()
    assert same(notes.validations[-1], final)
    assert same(final, last["state_dict"])
    (state,) = [value for key, value in last["callbacks"].items() if key in ("EMA", "SWA")]
    assert same(noted(plain.module), state["weights"])
    assert not same(noted(plain.module), final)
    evaluation, _, _ = evaluate_split(run.module, run.datamodule.val_dataloader())
    assert run.metrics["val/loss"] == pytest.approx(evaluation.metrics["loss"], rel=1e-5)


@pytest.mark.parametrize("name", AVERAGES)
def test_the_best_checkpoint_is_the_best_average_and_early_stopping_restores_it(name: str, tmp_path: Path) -> None:
    notes = Notes()
    run = Run(tmp_path, [AVERAGES[name](), notes, EarlyStopping(patience=2)], epochs=30)
    best = run.checkpoint("best.ckpt")
    assert len(notes.epochs) < 30
    assert same(notes.validations[best["epoch"]], best["state_dict"])
    assert same(noted(run.module), best["state_dict"])


def test_before_the_first_epoch_that_counts_the_weights_themselves_are_validated(tmp_path: Path) -> None:
    plain, notes = Notes(), Notes()
    Run(tmp_path / "plain", [plain], epochs=4)
    Run(tmp_path / "swa", [SWA(0.5), notes], epochs=4)
    alike = [same(one, other) for one, other in zip(plain.validations, notes.validations, strict=True)]
    assert alike == [True, True, False, False]


@pytest.mark.parametrize("name", AVERAGES)
@pytest.mark.parametrize("order", ["saved before its average", "saved after its average"])
def test_resuming_in_mid_epoch_is_exact(name: str, order: str, tmp_path: Path) -> None:
    def callbacks(*more: pl.Callback) -> list[pl.Callback]:
        return [*more, AVERAGES[name]()] if "before" in order else [AVERAGES[name](), *more]

    whole = Run(tmp_path / "whole", callbacks(), epochs=4)
    with pytest.raises(RuntimeError, match="crash"):
        Run(tmp_path / "part", callbacks(StopAfter(50)), epochs=4)
    for stretches in (False, True):
        place = tmp_path / f"resumed {stretches}"
        middle = tmp_path / "part" / "middle.ckpt"
        resumed = Run(place, callbacks(), epochs=4, seed=99, checkpoint=middle, stretches=stretches)
        assert same(noted(whole.module), noted(resumed.module))
        assert whole.metrics == resumed.metrics
        state, expected = resumed.checkpoint()["callbacks"], whole.checkpoint()["callbacks"]
        key = name.split()[0]
        assert same(expected[key]["weights"], state[key]["weights"])


def test_a_checkpoint_written_during_validation_tells_average_and_weights_apart(tmp_path: Path) -> None:
    class SaveInside(pl.Callback):
        def on_validation_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
            trainer.save_checkpoint(tmp_path / "inside.ckpt")

    run = Run(tmp_path, [EMA(0.9), SaveInside()], epochs=2)
    inside = torch.load(tmp_path / "inside.ckpt", weights_only=True)
    assert same(noted(run.module), inside["state_dict"])
    assert same(run.checkpoint()["callbacks"]["EMA"]["weights"], inside["callbacks"]["EMA"]["weights"])


def test_a_schedule_that_watches_validation_sees_the_average(tmp_path: Path) -> None:
    run = Run(tmp_path, [EMA(0.9)], epochs=3, schedule=Plateau(patience=0))
    (ranking,) = [state for key, state in run.checkpoint()["callbacks"].items() if key.startswith("Checkpoint")]
    assert run.module._watching[0].best == pytest.approx(ranking["best_model_score"])


def test_the_average_of_half_precision_weights_keeps_moving(tmp_path: Path) -> None:
    run = Run(tmp_path, [EMA(0.999, warm_up=False)], epochs=1, precision="bf16-true")
    name = "network.layers.0.linear.weight"
    average, weights = run.checkpoint()["state_dict"][name], run.checkpoint()["callbacks"]["EMA"]["weights"][name]
    assert (average.dtype, weights.dtype) == (torch.float32, torch.bfloat16)
    # in bfloat16, with 8 bits, most steps of a thousandth would have been lost
    assert float((average != average.bfloat16()).float().mean()) > 0.8


def test_the_average_beats_the_weights_that_a_high_rate_shakes(tmp_path: Path) -> None:
    options = {"epochs": 8, "batch_size": 16, "dropout": 0.0, "stretches": True}
    plain = Run(tmp_path / "plain", **options)
    for name, average in {"EMA": EMA(0.98), "SWA": SWA(0.5)}.items():
        averaged = Run(tmp_path / name, [average], **options)
        assert averaged.metrics["val/loss"] < 0.6 * plain.metrics["val/loss"]


@pytest.mark.parametrize("knob", ["callbacks.ema.decay=0.9", "callbacks.swa.start=1"])
def test_results_and_evaluation_of_a_run_are_those_of_the_average_also_when_it_is_resumed(
    knob: str, tmp_path: Path
) -> None:
    word = knob.split(".")[1]
    words = [f"+experiment=[{word},batchnorm]", knob, "logger=none", "batch_size=64", "trainer.max_epochs=3"]
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert main([*words, f"hydra.run.dir={whole}"]) == 0
    results = json.loads((whole / "results.json").read_text())
    saved = torch.load(whole / "checkpoints" / "last.ckpt", weights_only=True)
    module = restore(str(whole)).module
    assert same(noted(module), saved["state_dict"])
    assert evaluate_run(str(whole), "val")["val/loss"] == results["metrics"]["val/loss"]
    rows = list(csv.DictReader((whole / "metrics.csv").read_text().splitlines()))
    assert float(rows[-1]["val/loss"]) == pytest.approx(results["metrics"]["val/loss"], rel=1e-5)
    assert main([*words, "trainer.max_steps=30", f"hydra.run.dir={part}"]) == 0
    assert main([f"resume={part}", "trainer.max_steps=-1"]) == 0
    continued = json.loads((tmp_path / "part-continued" / "results.json").read_text())
    assert continued["metrics"] == results["metrics"]


def test_two_averages_are_refused_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["+experiment=[ema,swa]"]) == 2
    assert "one average of its weights; received EMA and SWA: leave one out" in capsys.readouterr().err


@pytest.mark.parametrize("second", [lambda: SWA(1), lambda: EMAWeightAveraging(decay=0.9)])
def test_two_averages_are_refused(second: Callable[[], pl.Callback], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="one average of its weights; received EMA and"):
        Run(tmp_path, [EMA(), second()])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EMA(1.0), r"must be in \[0, 1\); received 1\.0"),
        (lambda: EMA(-0.1), r"must be in \[0, 1\); received -0\.1"),
        (lambda: SWA(0), "at least 1; received 0"),
        (lambda: SWA(1.5), r"at least 1; received 1\.5"),
        (lambda: SWA(True), "at least 1; received True"),
    ],
)
def test_refuses_values_out_of_range(make: Callable[[], pl.Callback], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize(
    ("start", "options", "message"),
    [
        (0.5, {"epochs": -1, "max_time": "00:00:01:00"}, "after a share of the epochs, 0.5, and their number"),
        (3, {"epochs": 3}, "starts after 3 of 3"),
        (0.5, {"epochs": 3, "max_steps": 7}, "ends after 7 of the 18 steps of its first"),
    ],
)
def test_refuses_a_run_without_an_epoch_to_average(start: float, options: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        Run(tmp_path, [SWA(start)], **options)


@pytest.mark.parametrize(
    ("start", "options", "count"),
    [
        (0.75, {"epochs": 4}, 1),
        (0.01, {"epochs": 3}, 3),
        (0.99, {"epochs": 3}, 1),
        (2, {"epochs": 3, "limit_train_batches": 5}, 1),
        (0.5, {"epochs": -1, "max_steps": 40}, 1),
        (1, {"epochs": 3, "accumulate_grad_batches": 4}, 2),
    ],
)
def test_the_epochs_that_count(start: float, options: dict, count: int, tmp_path: Path) -> None:
    average = SWA(start)
    Run(tmp_path, [average], **options)
    assert average.count == count
