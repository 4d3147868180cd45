"""Runs one trick in one setting for every seed and reads what came out."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.tricks.settings import BASELINE, QUIET, SEEDS, Setting, overrides

REPOSITORY = Path(__file__).resolve().parents[2]
USERS_MISTAKE = 2


def measure(setting: Setting, word: str, data_dir: Path) -> dict[str, Any]:
    """Return ``accuracy``, ``loss`` and ``seconds`` of training by seed, or ``refused`` with the message.

    A word that the configuration refuses in this setting (exit code 2 before any run) is a finding, unless it is the
    baseline; whatever else goes wrong raises ``RuntimeError`` with the last line of the error stream.
    """
    with tempfile.TemporaryDirectory() as folder:
        seeds = f"seed={','.join(map(str, range(SEEDS)))}"
        places = [f"data_dir={data_dir}", f"hydra.sweep.dir={folder}/sweep"]
        done = subprocess.run(
            [sys.executable, str(REPOSITORY / "train.py"), "-m", seeds, *overrides(setting, word), *QUIET, *places],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            cwd=folder,
        )
        message = (done.stderr.strip().splitlines() or ["no message"])[-1]
        files = sorted(Path(folder).glob("sweep/*/results.json"), key=lambda file: int(file.parent.name))
        if done.returncode == USERS_MISTAKE and not files and word != BASELINE:
            return {"refused": message.removeprefix("error: ")}
        results = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        if done.returncode or len(results) != SEEDS:
            raise RuntimeError(message)
    results.sort(key=lambda result: result["seed"])
    return {
        "accuracy": [result["metrics"]["test/acc"] for result in results],
        "loss": [result["metrics"]["test/loss"] for result in results],
        "seconds": [result["seconds"]["fit"] for result in results],
    }
