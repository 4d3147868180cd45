"""A run that was killed, stopped or completed goes on as if nothing had happened."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from lit_tricks.commandline.entry import main

REPOSITORY = Path(__file__).resolve().parents[1]
WORDS = ["+experiment=dropout", "scheduler=cosine", "model.norm=batch", "logger=none", "trainer.max_epochs=12"]


def results_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


def rows_of(folder: Path) -> list[dict[str, str]]:
    try:
        rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    except FileNotFoundError:
        return []
    for row in rows:
        row.pop("epoch_seconds", None)
    return rows


def start(folder: Path, *more: str) -> subprocess.Popen:
    # many small batches, so that an epoch lasts long enough to be interrupted inside it
    command = [sys.executable, str(REPOSITORY / "train.py"), *WORDS, "batch_size=4", *more, f"hydra.run.dir={folder}"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def wait_for_epochs(process: subprocess.Popen, folder: Path, epochs: int) -> None:
    deadline = time.monotonic() + 120
    # a row begins before its epoch is over
    while len(rows_of(folder)) <= epochs:
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline, "training does not get on"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "undisturbed"
    assert main([*WORDS, "batch_size=4", f"hydra.run.dir={folder}"]) == 0
    return folder


def test_a_killed_run_resumes_to_the_metrics_of_the_undisturbed_one(undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    process = start(folder)
    wait_for_epochs(process, folder, 3)
    # somewhere inside the next epoch
    time.sleep(0.15)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert results_of(folder)["status"] == "failed"
    assert "did not finish" in results_of(folder)["reason"]
    assert main([f"resume={folder}"]) == 0
    assert results_of(folder)["status"] == "completed"
    assert results_of(folder)["metrics"] == results_of(undisturbed)["metrics"]
    assert rows_of(folder) == rows_of(undisturbed)


@pytest.mark.parametrize("limit", ["max_epochs", "max_steps"])
def test_an_unfinished_run_that_is_asked_for_less_stays_as_it_is(
    limit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    words = ["data=moons", "pictures=false", "logger=none", "trainer.max_epochs=3"]
    assert main([*words, f"hydra.run.dir={folder}"]) == 0
    (folder / "results.json").write_text(json.dumps(results_of(folder) | {"status": "stopped"}))
    before = {name: (folder / name).read_text() for name in ("config.yaml", "results.json")}
    assert main([f"resume={folder}", f"trainer.{limit}=1"]) == 2
    assert f"trainer.{limit} must be at least the" in capsys.readouterr().err
    assert {name: (folder / name).read_text() for name in before} == before


def test_ctrl_c_keeps_what_was_reached_and_resume_completes_it(undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    process = start(folder)
    wait_for_epochs(process, folder, 2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert f"resume={folder}" in output
    assert "Traceback" not in output
    stopped = results_of(folder)
    assert stopped["status"] == "stopped"
    assert 0 < stopped["metrics"]["test/acc"] <= 1
    assert (folder / "figures" / "learning_curves.png").is_file()
    assert main([f"resume={folder}"]) == 0
    assert results_of(folder)["metrics"] == results_of(undisturbed)["metrics"]


def test_a_completed_run_goes_on_beside_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["+experiment=dropout", "logger=none"]
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert main([*words, "trainer.max_epochs=4", f"hydra.run.dir={whole}"]) == 0
    assert main([*words, "trainer.max_epochs=2", f"hydra.run.dir={part}"]) == 0
    before = (part / "results.json").read_bytes()
    assert main([f"resume={part}"]) == 2
    assert "is complete after 2 epochs" in capsys.readouterr().err
    assert main([f"resume={part}", "trainer.max_epochs=4"]) == 0
    assert (part / "results.json").read_bytes() == before
    assert results_of(tmp_path / "part-continued")["metrics"] == results_of(whole)["metrics"]
    assert rows_of(tmp_path / "part-continued") == rows_of(whole)


def test_resuming_never_turns_a_run_into_another(undisturbed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (undisturbed / "config.yaml").read_bytes()
    assert main([f"resume={undisturbed}", "optimizer.lr=0.5"]) == 2
    assert "resume continues the same run; received optimizer.lr=0.5" in capsys.readouterr().err
    assert (undisturbed / "config.yaml").read_bytes() == before


def test_a_run_killed_before_its_first_checkpoint_starts_again(tmp_path: Path) -> None:
    words = ["+experiment=dropout", "logger=none", "trainer.max_epochs=1"]
    folder = tmp_path / "run"
    assert main([*words, f"hydra.run.dir={folder}"]) == 0
    expected = results_of(folder)["metrics"]
    for path in [*(folder / "checkpoints").iterdir(), folder / "metrics.csv"]:
        path.unlink()
    (folder / "results.json").write_text('{"status": "failed", "overrides": []}')
    assert main([f"resume={folder}"]) == 0
    assert results_of(folder)["metrics"] == expected


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    assert main(["trainer.max_epochs=1", "logger=none", f"hydra.run.dir={folder}"]) == 0
    (folder / "checkpoints" / "last.ckpt").write_bytes(content)
    capsys.readouterr()
    assert main([f"resume={folder}", "trainer.max_epochs=2"]) == 2
    error = capsys.readouterr().err
    assert "resume needs an intact checkpoint" in error
    assert "Traceback" not in error


# the rate is too high on purpose: validation loss is best in the middle and worse at the end
RESTLESS = ["optimizer.lr=0.05", "logger=none", "batch_size=16"]


def checkpoint_of(folder: Path, name: str) -> dict:
    return torch.load(folder / "checkpoints" / name, weights_only=True)


def best_epoch(folder: Path) -> int:
    losses = [float(row["val/loss"]) for row in rows_of(folder)]
    return losses.index(min(losses))


def test_last_weights_are_the_last_epochs_and_count_without_early_stopping(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert main([*RESTLESS, "trainer.max_epochs=9", f"hydra.run.dir={folder}"]) == 0
    best, results = best_epoch(folder), results_of(folder)
    assert best < 8, "the test needs a run whose last epoch is not its best"
    assert checkpoint_of(folder, "best.ckpt")["epoch"] == best
    assert checkpoint_of(folder, "last.ckpt")["epoch"] == 8
    assert checkpoint_of(folder, "last.ckpt")["global_step"] == results["steps"]
    assert results["weights_epoch"] == 9
    assert results["metrics"]["val/loss"] == pytest.approx(float(rows_of(folder)[-1]["val/loss"]), rel=1e-5)


def test_a_run_that_was_cut_after_its_best_epoch_resumes_exactly(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert main([*RESTLESS, "trainer.max_epochs=9", f"hydra.run.dir={whole}"]) == 0
    cut = best_epoch(whole) + 2
    assert cut < 9, "the test needs epochs after the cut"
    assert main([*RESTLESS, f"trainer.max_epochs={cut}", f"hydra.run.dir={part}"]) == 0
    assert main([f"resume={part}", "trainer.max_epochs=9"]) == 0
    continued = tmp_path / "part-continued"
    assert results_of(continued)["metrics"] == results_of(whole)["metrics"]
    assert rows_of(continued) == rows_of(whole)
    assert checkpoint_of(continued, "best.ckpt")["epoch"] == best_epoch(whole)


@pytest.mark.parametrize(
    "more", [[], ["scheduler=step", "+experiment=dropout"], ["+experiment=[dropout,augmentation,mixup]"]]
)
def test_a_run_split_within_an_epoch_by_max_steps_is_the_undivided_one(more: list[str], tmp_path: Path) -> None:
    words = ["logger=none", "trainer.max_epochs=5", *more]
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert main([*words, "trainer.max_steps=100", f"hydra.run.dir={whole}"]) == 0
    assert main([*words, "trainer.max_steps=60", f"hydra.run.dir={part}"]) == 0
    assert results_of(part)["ended"] == "max_steps"
    assert main([f"resume={part}", "trainer.max_steps=100"]) == 0
    continued = results_of(tmp_path / "part-continued")
    assert continued["steps"] == 100
    assert continued["metrics"] == results_of(whole)["metrics"]


def test_validation_every_other_epoch_keeps_the_last_weights(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ["logger=none", "trainer.max_epochs=3", "trainer.check_val_every_n_epoch=2"]
    assert main([*words, f"hydra.run.dir={folder}"]) == 0
    assert checkpoint_of(folder, "last.ckpt")["global_step"] == results_of(folder)["steps"]
    assert checkpoint_of(folder, "best.ckpt")["epoch"] == 1


def test_a_run_that_early_stopping_ended_is_complete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    words = [*RESTLESS, "+experiment=early_stopping", "trainer.max_epochs=40"]
    assert main([*words, f"hydra.run.dir={folder}"]) == 0
    assert results_of(folder)["ended"] == "early stopping"
    assert results_of(folder)["epochs"] == results_of(folder)["weights_epoch"] + 3
    assert main([f"resume={folder}"]) == 2
    assert "ended by early stopping" in capsys.readouterr().err


def test_a_continuation_that_cannot_start_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert main(["logger=none", "trainer.max_epochs=1", f"hydra.run.dir={folder}"]) == 0
    results = {**results_of(folder), "status": "stopped"}
    (folder / "results.json").write_text(json.dumps(results))
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert main([f"resume={folder}", "trainer.max_epochs=2", "trainer.accelerator=tpu"]) == 2
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


FOREIGN = """
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Data(pl.LightningDataModule):
    def setup(self, stage):
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(300, 5, generator=generator)
        self.data = TensorDataset(x, (x[:, 0] + x[:, 1] > 0).long())

    def train_dataloader(self):
        return DataLoader(self.data, batch_size=16, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.data, batch_size=50)

    test_dataloader = val_dataloader
"""


@pytest.mark.parametrize("schedule", ["none", "step"])
def test_a_users_own_shuffled_data_resumes_exactly(
    schedule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "foreign_data.py").write_text(FOREIGN)
    monkeypatch.delitem(sys.modules, "foreign_data", raising=False)
    allowed = "allow_targets=[foreign_data]"
    words = ["data=custom", "data._target_=foreign_data.Data", allowed, "logger=none", f"scheduler={schedule}"]
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert main([*words, "trainer.max_epochs=4", f"hydra.run.dir={whole}"]) == 0
    assert main([*words, "trainer.max_epochs=2", f"hydra.run.dir={part}"]) == 0
    assert main([f"resume={part}", "trainer.max_epochs=4", allowed]) == 0
    assert results_of(tmp_path / "part-continued")["metrics"] == results_of(whole)["metrics"]
