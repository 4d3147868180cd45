"""Both watches see a real training, and neither makes it step differently."""

import json
from pathlib import Path

import pytest
from training import make_module, make_trainer

import lit_tricks.module
from benchmarks.speed import parts
from benchmarks.speed.callbacks import StepParts, Stopwatch
from benchmarks.speed.parts import PARTS, Stopwatches
from benchmarks.speed.times import Times
from lit_tricks import stretches
from lit_tricks.data import DigitsDataModule
from lit_tricks.stretches import install_stretches


def train(folder: Path, callback: object, epochs: int = 2) -> object:
    datamodule = DigitsDataModule(batch_size=64)
    module = make_module(datamodule)
    trainer = make_trainer(folder, epochs, callbacks=[callback])
    install_stretches(trainer)
    trainer.fit(module, datamodule=datamodule)
    assert trainer.fit_loop.epoch_loop.reason is None
    return trainer


def test_parts_of_an_epoch_add_up(tmp_path: Path) -> None:
    train(tmp_path, Stopwatch(str(tmp_path / "clock.json")))
    times = Times(tmp_path / "clock.json")
    assert times.epochs == 2
    assert not times.reached
    for epoch in range(2):
        assert times.steps(epoch) > 0
        assert times.steps(epoch) + times.validation(epoch) < times.whole(epoch)
    assert times.at("train_start") < times.at("first_step") < times.at("validation_start", 0)
    assert times.whole(0) + times.whole(1) == pytest.approx(times.at("train_end") - times.at("epoch_start", 0))


def test_training_stops_when_the_accuracy_is_reached(tmp_path: Path) -> None:
    trainer = train(tmp_path, Stopwatch(str(tmp_path / "clock.json"), stop_at=0.5), epochs=50)
    times = Times(tmp_path / "clock.json")
    assert times.reached
    assert times.epochs == trainer.current_epoch < 50
    assert float(trainer.callback_metrics["val/acc"]) >= 0.5


def test_parts_of_a_step_add_up_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # put back after the test; the callback wraps them for the rest of its process
    monkeypatch.setattr(lit_tricks.module, "is_finite_here", lit_tricks.module.is_finite_here)
    for name in ("bare_backward", "bare_step"):
        monkeypatch.setattr(stretches, name, getattr(stretches, name))
    train(tmp_path, StepParts(str(tmp_path / "parts.json")))
    found = json.loads((tmp_path / "parts.json").read_text(encoding="utf-8"))
    assert set(found) == {*PARTS, "whole"}
    assert found["whole"] == pytest.approx(sum(found[part] for part in PARTS))
    assert all(found[part] > 0 for part in PARTS)


def test_what_happens_within_another_part_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(parts.time, "perf_counter", lambda: clock[0])
    watches = Stopwatches()

    def passes(seconds: float) -> None:
        clock[0] += seconds

    forward = watches.around("forward", passes)

    def step() -> None:
        passes(1.0)
        forward(2.0)
        forward(3.0)
        passes(0.5)

    watches.around("optimizer", step)()
    passes(1.5)
    found = watches.a_step(clock[0], 2, "rest")
    assert found["forward"] == pytest.approx(1e6 * 5.0 / 2)
    assert found["optimizer"] == pytest.approx(1e6 * 1.5 / 2)
    assert found["rest"] == pytest.approx(1e6 * 1.5 / 2)
    assert found["whole"] == pytest.approx(1e6 * 8.0 / 2)
