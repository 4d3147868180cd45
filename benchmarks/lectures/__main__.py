"""Runs the lectures' systems in full and writes ``docs/lectures.json`` and ``docs/lectures.md``.

``python -m benchmarks.lectures DATA_DIR`` runs every row, ``--only WORD`` those named. Every run is a process of its
own; given again after an interruption, the command goes on with what is missing. ``--jobs 2`` runs two at a time.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks.lectures.page import page
from benchmarks.lectures.published import ROWS, Row
from benchmarks.machine import machine

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing, write both files after every run, and return 1 when a run failed."""
    options = _options(arguments)
    rows = [row for row in ROWS if not options.only or row.word in options.only]
    due = [(row, seed) for row in rows for seed in range(row.seeds) if not _is_complete(options.runs, row, seed)]
    print(f"{len(due)} runs to do", file=sys.stderr, flush=True)
    failures = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        futures = {pool.submit(_run, options, row, seed): (row, seed) for row, seed in due}
        for number, future in enumerate(as_completed(futures), start=1):
            row, seed = futures[future]
            error = future.result()
            failures += error is not None
            state = "done" if error is None else f"failed: {error}"
            print(f"{number} of {len(due)}: {row.word}, seed {seed} {state}", file=sys.stderr, flush=True)
            _write(options)
    _write(options)
    return int(failures > 0)


def _run(options: argparse.Namespace, row: Row, seed: int) -> str | None:
    """Run one row with one seed; return why it failed, None when it did not."""
    place = _place(options.runs, row, seed)
    # what an interrupted run left; a complete one would not have been due
    shutil.rmtree(place, ignore_errors=True)
    folders = [f"hydra.run.dir={place}", f"hydra.sweep.dir={place}"]
    overrides = [f"+experiment=lecture/{row.word}", f"data_dir={options.data_dir}", *folders]
    # a row that sweeps over seeds has its own
    seeded = [] if row.seeds == 1 else [f"seed={seed}"]
    started = time.time()
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "train.py"), *overrides, *seeded],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    (place / "seconds").write_text(f"{time.time() - started:.1f}", encoding="utf-8")
    return None


def _place(runs: Path, row: Row, seed: int) -> Path:
    return runs / row.word / str(seed)


def _is_complete(runs: Path, row: Row, seed: int) -> bool:
    return (_place(runs, row, seed) / "seconds").is_file()


def _write(options: argparse.Namespace) -> None:
    target = options.out / "lectures.json"
    found = json.loads(target.read_text(encoding="utf-8")) if target.is_file() else {"rows": {}}
    found["machine"] = machine()
    for row in ROWS:
        complete = [seed for seed in range(row.seeds) if _is_complete(options.runs, row, seed)]
        if len(complete) == row.seeds:
            found["rows"][row.word] = _entry(options.runs, row)
    found["rows"] = {row.word: found["rows"][row.word] for row in ROWS if row.word in found["rows"]}
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (options.out / "lectures.md").write_text(page(found), encoding="utf-8")


def _entry(runs: Path, row: Row) -> dict[str, Any]:
    places = [_place(runs, row, seed) for seed in range(row.seeds)]
    entry: dict[str, Any] = {"seconds": sum(float((place / "seconds").read_text()) for place in places)}
    if row.published:
        all_metrics = [json.loads((place / "results.json").read_text())["metrics"] for place in places]
        entry["metrics"] = [{name: metrics[name] for name in row.published} for metrics in all_metrics]
    else:
        entry["metrics"] = []
        entry["test_acc"] = dict(_accuracies(places[0]))
    return entry


def _accuracies(place: Path) -> Iterator[tuple[str, float]]:
    """Yield the test accuracy of a run, of every group of a sweep or of a search's best trial; a study has none.

    Those of groups and trials are means over their runs.
    """
    if (place / "search.json").is_file():
        best = json.loads((place / "search.json").read_text(encoding="utf-8"))["best"]
        yield " ".join(f"{key}={text}" for key, text in best["params"].items()), best["test"]["test/acc"]["mean"]
        return
    table = place / "comparison.csv"
    if not table.is_file():
        metrics = json.loads((place / "results.json").read_text())["metrics"]
        if "test/acc" in metrics:
            yield "run", metrics["test/acc"]
        return
    groups: dict[str, list[float]] = {}
    for line in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
        groups.setdefault(line["group"], []).append(float(line["test/acc"]))
    for label, values in groups.items():
        yield label, sum(values) / len(values)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lectures", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data_dir", type=lambda text: Path(text).resolve(), help="folder that holds the data sets")
    parser.add_argument("--only", nargs="+", choices=[row.word for row in ROWS], metavar="WORD")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--runs", type=Path, default=REPOSITORY / "runs" / "lectures", help="where the runs are kept")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of both files")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
