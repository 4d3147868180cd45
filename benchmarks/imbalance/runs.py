"""Runs every method on every case with every seed, and reads what the runs left."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.imbalance.methods import PLAIN, Case, Method

REPOSITORY = Path(__file__).resolve().parents[2]
QUIET = ("logger=none", "trainer.enable_progress_bar=false")
METRICS = ("acc", "balanced_acc", "gmean", "mcc", "brier", "ece_macro", "loss")


def place(runs: Path, case: Case, method: Method, seed: int) -> Path:
    """Return the run directory of one method on one case with one seed."""
    return runs / case.name / re.sub(r"\W+", "_", method.name) / str(seed)


def is_complete(folder: Path) -> bool:
    """Return whether a run directory holds a completed run."""
    file = folder / "results.json"
    return file.is_file() and json.loads(file.read_text(encoding="utf-8"))["status"] == "completed"


def command(case: Case, method: Method, seed: int | str, data_dir: str, source: str) -> list[str]:
    """Return the overrides of a run; ``source`` is the plain run that a second stage starts from."""
    words = [word.format(data_dir=data_dir) for word in case.overrides]
    second = [f"transfer.source={source}"] if method.after else []
    return [*words, *method.overrides, f"seed={seed}", *second]


def run(runs: Path, case: Case, method: Method, seed: int, data_dir: Path) -> str | None:
    """Run one method with one seed; return why it failed, None when it did not."""
    folder = place(runs, case, method, seed)
    # what an interrupted run left; a complete one would not have been due
    shutil.rmtree(folder, ignore_errors=True)
    source = place(runs, case, Method(PLAIN, ()), seed)
    overrides = [*command(case, method, seed, str(data_dir), str(source)), f"hydra.run.dir={folder}", *QUIET]
    # the page shows pictures of the first seed's corrections
    overrides += [] if seed == 0 else ["pictures=false"]
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "train.py"), *overrides],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no message"])[-1]


def figures(folder: Path, case: Case) -> dict[str, Any]:
    """Return what the page needs of one run: metrics of test and validation, the rare classes', seconds, counts."""
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    rare = [results["per_class"][name] for name in case.rare]
    found = {metric: results["metrics"][f"test/{metric}"] for metric in METRICS}
    found["rare_recall"] = sum(each["recall"] for each in rare) / len(rare)
    found["rare_precision"] = sum(each["precision"] for each in rare) / len(rare)
    found["rare_ap"] = sum(each["ap"] for each in rare) / len(rare)
    found["val"] = results["metrics"][f"val/{case.metric}"]
    found["seconds"] = results["seconds"]["fit"]
    return {**found, "class_counts": results["data"]["class_counts"], "confusion": results["confusion_matrix"]}
