"""Regenerates ``docs/benchmarks.json`` and ``docs/benchmarks.md``: ``python -m benchmarks.speed DATA_DIR [ROUNDS]``.

Every round runs every contender once, each in a process of its own, so that a machine that slows down slows all of
them; ratios are taken within a round and their median is told. Peers that are not installed are left out and named.
"""

import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.speed.contenders import CONTENDERS

DOCS = Path(__file__).resolve().parents[2] / "docs"
BASE = "hand-written loop"
OURS = "lit_tricks"
NEEDS = {"Keras on torch": "keras", "skorch": "skorch"}
# hidden layers, batch size, steps in an epoch, and who takes part
WORKS = (
    ("784-30-10, batch 10", "30", 10, 3000, tuple(CONTENDERS)),
    ("784-512-512-10, batch 128", "512-512", 128, 300, (BASE, OURS)),
    ("784-512-512-10, batch 512", "512-512", 512, 90, (BASE, OURS)),
)


def measure(name: str, data_dir: str, hidden: str, batch_size: int, steps: int) -> float:
    """Return one contender's milliseconds a step."""
    command = [sys.executable, "-m", "benchmarks.speed.contenders", name, data_dir, hidden, str(batch_size), str(steps)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr.strip().splitlines()[-1:]}")
    return float(done.stdout.strip().splitlines()[-1])


def run(data_dir: str, rounds: int) -> dict[str, Any]:
    """Measure everything, interleaved, and return it with the circumstances."""
    absent = [name for name, module in NEEDS.items() if importlib.util.find_spec(module) is None]
    works = []
    for title, hidden, batch_size, steps, names in WORKS:
        present = [name for name in names if name not in absent]
        times: dict[str, list[float]] = {name: [] for name in present}
        for number in range(rounds):
            for name in present:
                times[name].append(measure(name, data_dir, hidden, batch_size, steps))
            print(f"{title}: round {number + 1} of {rounds} done", file=sys.stderr, flush=True)
        works.append({"work": title, "milliseconds": times})
    packages = ["torch", "pytorch-lightning", "scikit-learn", *(NEEDS[name] for name in NEEDS if name not in absent)]
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, one thread, {platform.system()}",
        "python": platform.python_version(),
        "versions": {package: version(package) for package in packages},
        "rounds": rounds,
        "absent": absent,
        "works": works,
    }


def table(found: dict[str, Any]) -> str:
    """Return the page with one table a work."""
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    lines = [
        "# Speed",
        "",
        "Time of a training step, made by `python -m benchmarks.speed DATA_DIR`. Every contender trains the same "
        "network on MNIST by plain SGD; `lit_tricks` through its command line with everything on (metrics, "
        "validation, TensorBoard, progress, checkpoints), the hand-written loop with nothing. Medians over "
        f"{found['rounds']} interleaved rounds; the ratio is taken to the hand-written loop of the same round.",
        "",
        f"{found['machine']}; Python {found['python']}, {versions}.",
    ]
    for work in found["works"]:
        times = work["milliseconds"]
        lines += [
            "",
            f"## {work['work']}",
            "",
            "| contender | ms a step | ratio | smallest to largest ratio |",
            "|---|---|---|---|",
        ]
        for name, values in times.items():
            ratios = [value / base for value, base in zip(values, times[BASE], strict=True)]
            middle, span = statistics.median(ratios), f"{min(ratios):.2f} to {max(ratios):.2f}"
            lines.append(f"| {name} | {statistics.median(values):.3f} | {middle:.2f} | {span} |")
    if found["absent"]:
        lines += ["", f"Not installed: {', '.join(found['absent'])}."]
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure and write both files."""
    data_dir = str(Path(sys.argv[1]).resolve())
    found = run(data_dir, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
    (DOCS / "benchmarks.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (DOCS / "benchmarks.md").write_text(table(found), encoding="utf-8")


if __name__ == "__main__":
    main()
