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
