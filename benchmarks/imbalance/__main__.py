"""Compares what is done against imbalance and writes ``docs/imbalance.json`` and ``docs/imbalance.md``.

``python -m benchmarks.imbalance DATA_DIR`` runs every method on every case with five seeds, ``--only CASE`` those
named. Every run is a process of its own and is kept; given again after an interruption, the command goes on with what
is missing. ``--jobs 2`` runs two at a time.
"""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from benchmarks.imbalance.methods import CASES, SEEDS, Case, Method, methods_of
from benchmarks.imbalance.page import page
from benchmarks.imbalance.peers import PEERS, peer_figures
from benchmarks.imbalance.pictures import draw
from benchmarks.imbalance.runs import REPOSITORY, figures, is_complete, place, run
from benchmarks.machine import machine
from lit_tricks.files import write_atomically


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing, write page and pictures, and return 1 when a run failed."""
    options = _options(arguments)
    cases = [case for case in CASES if not options.only or case.name in options.only]
    failures = 0
    # second stages start from the first ones' runs
    for after in (False, True):
        wanted = [(case, each, seed) for case in cases for each in methods_of(case) for seed in range(SEEDS)]
        wanted = [(case, each, seed) for case, each, seed in wanted if each.after == after]
        due = [job for job in wanted if not is_complete(place(options.runs, *job))]
        failures += _run(options, due)
    _write(options, cases)
    return int(failures > 0)


def _run(options: argparse.Namespace, due: list[tuple[Case, Method, int]]) -> int:
    failures = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        futures = {pool.submit(run, options.runs, *job, options.data_dir): job for job in due}
        for number, future in enumerate(as_completed(futures), start=1):
            case, method, seed = futures[future]
            error = future.result()
            failures += error is not None
            state = "done" if error is None else f"failed: {error}"
            print(
                f"{number} of {len(due)}: {case.name}, {method.name}, seed {seed} {state}", file=sys.stderr, flush=True
            )
    return failures


def _write(options: argparse.Namespace, cases: list[Case]) -> None:
    target = options.out / "imbalance.json"
    found = json.loads(target.read_text(encoding="utf-8")) if target.is_file() else {"cases": {}, "peers": {}}
    found["machine"] = machine()
    for case in cases:
        folders = {
            each.name: [place(options.runs, case, each, seed) for seed in range(SEEDS)] for each in methods_of(case)
        }
        complete = {name: all_seeds for name, all_seeds in folders.items() if all(map(is_complete, all_seeds))}
        if len(complete) < len(folders):
            print(f"{case.name}: not complete, left as it was", file=sys.stderr)
            continue
        found["cases"][case.name] = {
            name: [figures(folder, case) for folder in all_seeds] for name, all_seeds in complete.items()
        }
        if case.name == "mammography":
            path = str(options.data_dir / "tabular" / "mammography.csv")
            found["peers"][case.name] = {
                name: [peer_figures(path, name, seed) for seed in range(SEEDS)] for name in PEERS
            }
        draw(case, complete, options.out / "pictures")
    write_atomically(target, json.dumps(found, indent=1) + "\n")
    shown = {case.name: _pictures(case, options.out) for case in CASES}
    write_atomically(options.out / "imbalance.md", page(found, CASES, shown))


def _pictures(case: Case, out: Path) -> list[tuple[str, str]]:
    """Return titles and paths, below ``out``, of the pictures that a case has."""
    titles = {
        "forest": "differences to the plain network",
        "confusion": "confusion matrices",
        "precision_recall": "precision over recall with the chosen threshold",
        "reliability": "reliability before and after the correction",
    }
    paths = {title: f"pictures/imbalance_{case.name}_{name}.png" for name, title in titles.items()}
    return [(f"{case.title}: {title}", path) for title, path in paths.items() if (out / path).is_file()]


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imbalance", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data_dir", type=lambda text: Path(text).resolve(), help="folder that holds the data sets")
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES], metavar="CASE")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--runs", type=Path, default=REPOSITORY / "runs" / "imbalance", help="where the runs are kept")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs", help="folder of page and pictures")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
