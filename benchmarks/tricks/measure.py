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
    """Return ``accuracy``, ``loss`` and ``seconds`` of training by seed, or ``refused`` or ``failed`` with a message.

    A word that the configuration refuses in this setting is a finding, and so are runs that it ends with a message
    for the user (exit code 2), such as a loss that is not finite; of the baseline neither is. Whatever else goes wrong
    raises ``RuntimeError`` with the last line of the error stream.
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
        results = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        if done.returncode == USERS_MISTAKE and word != BASELINE:
            reasons = [result["reason"] for result in results if result["status"] == "failed"]
            if reasons:
                return {"failed": f"{len(reasons)} of {SEEDS} runs: {reasons[0]}"}
            return {"refused": message.removeprefix("error: ")}
        if done.returncode or len(results) != SEEDS:
            raise RuntimeError(message)
    results.sort(key=lambda result: result["seed"])
    return {
        "accuracy": [result["metrics"]["test/acc"] for result in results],
        "loss": [result["metrics"]["test/loss"] for result in results],
        "seconds": [result["seconds"]["fit"] for result in results],
    }
