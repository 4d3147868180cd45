"""Two processes train what one process with the same global batch trains."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
WORDS = ["trainer.max_epochs=3", "logger=none"]


def run(folder: Path, *words: str) -> tuple[dict, str]:
    command = [sys.executable, str(REPOSITORY / "train.py"), *WORDS, *words, f"hydra.run.dir={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder.parent, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "results.json").read_text()), done.stdout + done.stderr


def test_two_processes_give_the_figures_of_one_with_the_same_global_batch(tmp_path: Path) -> None:
    one, _ = run(tmp_path / "one", "trainer=cpu", "batch_size=64")
    two, output = run(tmp_path / "two", "trainer=ddp_cpu", "batch_size=32")
    assert two["steps"] == one["steps"]
    # the same sums in another order: a few float32 roundings a step
    assert two["metrics"] == pytest.approx(one["metrics"], rel=1e-3)
    assert sum(map(sum, two["confusion_matrix"])) == 359
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()].count("two-2") == 0
    assert "Warning" not in output
    assert output.count("digits: 10 classes") == 1
