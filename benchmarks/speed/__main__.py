"""Measures the suite and writes ``docs/benchmarks.json`` and ``docs/benchmarks.md``.

``python -m benchmarks.speed DATA_DIR`` measures every row, ``--only ROW`` those named. Every round runs each
contender once, in a process of its own. Given again after an interruption, the command goes on where it stopped.
"""

import argparse
import importlib.util
import json
import sys
from pathlib import Path

from benchmarks.speed.environment import busy_cores, code, environment
from benchmarks.speed.page import OTHERS, write_page
from benchmarks.speed.processes import REPOSITORY, run
from benchmarks.speed.results import Results
from benchmarks.speed.row import Contender, Figures, Row
from benchmarks.speed.suite import SUITE

DOCS = REPOSITORY / "docs"


def main(arguments: list[str] | None = None) -> int:
    """Measure, write both files after every row, and return 1 when a contender failed."""
    options = _options(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    results = Results(options.out / "benchmarks.json")
    here, version = environment(), code(REPOSITORY)
    command = {"rounds": options.rounds, "quick": options.quick, "environment": here, "code": version}
    failed = False
    for name in results.begin(options.only or list(SUITE), command):
        row = SUITE[name]
        wanted = min(options.rounds, row.most_rounds or options.rounds)
        while (due := results.next([one.name for one in present(row)], wanted)) is not None:
            number, contender = due
            print(f"{name}: round {number + 1} of {wanted}, {contender}", file=sys.stderr, flush=True)
            try:
                results.add(number, contender, measure(row, contender, options.data_dir, number, options.quick))
            except RuntimeError as error:
                failed = True
                print(f"{name}: {contender} failed: {error}", file=sys.stderr, flush=True)
                results.add(number, contender, None, str(error))
        results.complete(here, version)
        write_page(results, options.out / "benchmarks.md")
    return int(failed)


def present(row: Row) -> list[Contender]:
    """Return the contenders whose packages are installed."""
    return [one for one in row.contenders if one.needs is None or importlib.util.find_spec(one.needs) is not None]


def measure(row: Row, contender: str, data_dir: Path, number: int, quick: bool) -> Figures:
    """Return a contender's figures in one round and how busy the machine was before; ``RuntimeError`` on failure."""
    others = busy_cores()
    arguments = ["-m", "benchmarks.speed.worker", row.name, contender, str(data_dir), str(number), str(quick)]
    figures = json.loads(run(arguments).output.strip().splitlines()[-1])
    return figures if others is None else {**figures, OTHERS: others}


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data_dir", type=lambda text: Path(text).resolve(), help="folder that holds MNIST")
    parser.add_argument("--only", nargs="+", choices=list(SUITE), metavar="ROW", help=f"of {', '.join(SUITE)}")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; rows that take long have fewer")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of both files")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the work, to try the commands")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1; received {options.rounds}: try --rounds 5")
    if options.quick and options.out == DOCS:
        parser.error("--quick measures nothing worth keeping: add --out FOLDER")
    return options


if __name__ == "__main__":
    raise SystemExit(main())
