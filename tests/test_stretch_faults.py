"""What goes wrong inside a stretch of steps is found at its step, and loses nothing that was reached before."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lit_tricks.commandline.entry import main
from lit_tricks.stretches import StretchLoop

REPOSITORY = Path(__file__).resolve().parents[1]
# 1,294 examples: 81 batches an epoch, the last one short
BATCHES = 81
WORDS = ["batch_size=16", "trainer.max_epochs=3", "scheduler=cosine", "logger=none"]

FAULTS = """
import os
import signal
from pathlib import Path

import torch
from torch import nn


class Faulty(nn.Module):
    def __init__(self, input_shape, num_classes, at=0, fault="none", once=None):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 10))
        self.at, self.fault, self.once, self.calls = at, fault, once and Path(once), 0

    def forward(self, x):
        self.calls += self.training
        if self.training and self.calls == self.at and not (self.once and self.once.exists()):
            if self.fault == "raise":
                raise RuntimeError("broken")
            if self.fault in ("interrupt", "insist"):
                self.once.touch()
                os.kill(os.getpid(), signal.SIGINT)
            if self.fault == "insist":
                os.kill(os.getpid(), signal.SIGINT)
            if self.fault == "spoil":
                x = x * float("nan")
        return self.layers(x)
"""


@pytest.fixture(autouse=True)
def _faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "faults.py").write_text(FAULTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "faults", raising=False)
    handler = signal.getsignal(signal.SIGINT)
    yield
    # Lightning ignores Ctrl-C from the first one on
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def stretches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, range]]:
    """Return the stretches taken so far: epoch and batches."""
    taken: list[tuple[int, range]] = []
    original = StretchLoop._stretch

    def watched(loop: StretchLoop, fetcher: object, count: int) -> None:
        first = loop.batch_progress.current.ready
        taken.append((loop.trainer.current_epoch, range(first, first + count)))
        original(loop, fetcher, count)

    monkeypatch.setattr(StretchLoop, "_stretch", watched)
    return taken


def results_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


def faulty(*words: str) -> list[str]:
    return [*WORDS, "model=custom", "model._target_=faults.Faulty", "allow_targets=[faults]", *words]


def inside(stretches: list[tuple[int, range]], epoch: int, batch: int) -> bool:
    return any(where == epoch and batch in batches[1:-1] for where, batches in stretches)


def test_a_row_of_huge_values_is_found_at_its_step(
    tmp_path: Path, stretches: list[tuple[int, range]], capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((400, 5)).astype(np.float32), np.arange(400) % 2
    # finite by itself, and too large for any weight
    x[203] = np.array([3e38, -3e38, 3e38, -3e38, 3e38], dtype=np.float32)
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y, x_test=x[:50], y_test=y[:50])
    folder = tmp_path / "run"
    data = ["data=npz", f"data.path={tmp_path / 'data.npz'}", "data.normalise=none", "data.val_size=0"]
    words = [*data, "sampler=sequential", "batch_size=8", "logger=none", f"hydra.run.dir={folder}"]
    assert main(words) == 2
    assert inside(stretches, 0, 203 // 8), "the row must lie within a stretch"
    message = f"in epoch 0, step {203 // 8} of it: try a smaller optimizer.lr"
    assert message in capsys.readouterr().err
    assert message in results_of(folder)["reason"]


def test_a_loss_that_breaks_in_a_later_epoch_names_epoch_and_step(
    tmp_path: Path, stretches: list[tuple[int, range]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    at = 2 * BATCHES + 40
    assert main(faulty("model.fault=spoil", f"model.at={at + 1}", f"hydra.run.dir={folder}")) == 2
    assert inside(stretches, 2, 40)
    assert "it became nan in epoch 2, step 40 of it" in capsys.readouterr().err
    with Image.open(folder / "figures" / "learning_curves.png") as picture:
        assert min(picture.size) > 500
    # the steps before it count, and the last whole epoch is kept
    assert torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 2 * BATCHES


def test_an_exception_names_the_batch_of_the_epoch(
    tmp_path: Path, stretches: list[tuple[int, range]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    assert main(faulty("model.fault=raise", f"model.at={BATCHES + 70 + 1}", f"hydra.run.dir={folder}")) == 1
    assert inside(stretches, 1, 70)
    assert "RuntimeError: broken\nin batch 70 of epoch 1\n" in capsys.readouterr().err
    assert results_of(folder)["reason"] == "RuntimeError: broken, in batch 70 of epoch 1"


def test_ctrl_c_in_mid_stretch_leaves_a_checkpoint_that_resumes_to_the_undisturbed_metrics(tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert main(faulty(f"hydra.run.dir={whole}")) == 0
    at = 2 * BATCHES + 40
    interrupted = ["model.fault=interrupt", f"model.at={at + 1}", f"model.once={tmp_path / 'once'}"]
    command = [sys.executable, str(REPOSITORY / "train.py"), *faulty(*interrupted), f"hydra.run.dir={stopped}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(REPOSITORY)])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    results = results_of(stopped)
    # the step that was interrupted, and one more, after which Lightning saves
    assert (results["status"], results["steps"], results["weights_epoch"]) == ("stopped", at + 2, 3)
    assert torch.load(stopped / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == at + 2
    resumes_to(stopped, whole)


def resumes_to(stopped: Path, whole: Path) -> None:
    """Check that the stopped run goes on to the weights and figures of the undisturbed one, bit for bit."""
    assert main([f"resume={stopped}", "allow_targets=[faults]"]) == 0
    found, expected = results_of(stopped), results_of(whole)
    assert found["status"] == "completed"
    for name in ("metrics", "steps", "epochs"):
        assert found[name] == expected[name]
    weights, others = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for folder in (stopped, whole)
    )
    for name, value in weights.items():
        assert torch.equal(value, others[name]), name
    rows, others = (
        [
            {name: cell for name, cell in row.items() if name != "epoch_seconds"}
            for row in csv.DictReader((folder / "metrics.csv").read_text().splitlines())
        ]
        for folder in (stopped, whole)
    )
    assert rows == others


def test_ctrl_c_in_the_first_epoch_loses_nothing_either(tmp_path: Path, stretches: list[tuple[int, range]]) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert main(faulty(f"hydra.run.dir={whole}")) == 0
    interrupted = ["model.fault=interrupt", "model.at=31", f"model.once={tmp_path / 'once'}"]
    assert main(faulty(*interrupted, f"hydra.run.dir={stopped}")) == 130
    assert inside(stretches, 0, 30)
    results = results_of(stopped)
    assert (results["status"], results["steps"], results["epochs"]) == ("stopped", 32, 0)
    resumes_to(stopped, whole)


def test_ctrl_c_twice_before_the_first_checkpoint_says_so_and_resume_begins_again(
    tmp_path: Path, stretches: list[tuple[int, range]]
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert main(faulty("trainer.max_epochs=1", f"hydra.run.dir={whole}")) == 0
    interrupted = ["model.fault=insist", "model.at=31", f"model.once={tmp_path / 'once'}", "trainer.max_epochs=1"]
    assert main(faulty(*interrupted, f"hydra.run.dir={stopped}")) == 130
    assert inside(stretches, 0, 30)
    assert (results_of(stopped)["status"], results_of(stopped)["reason"]) == ("stopped", "by the user")
    assert not (stopped / "checkpoints").exists()
    assert main([f"resume={stopped}", "allow_targets=[faults]"]) == 0
    assert results_of(stopped)["metrics"] == results_of(whole)["metrics"]


def test_ctrl_c_without_a_checkpoint_leaves_the_curves(tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    once = [f"model.once={tmp_path / 'once'}", "trainer.enable_checkpointing=false"]
    interrupted = ["model.fault=interrupt", f"model.at={2 * BATCHES + 31}", *once]
    assert main(faulty(*interrupted, f"hydra.run.dir={stopped}")) == 130
    assert results_of(stopped)["status"] == "stopped"
    assert (stopped / "figures" / "learning_curves.png").is_file()
