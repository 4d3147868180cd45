"""Prints the table of start-up times: ``python -m benchmarks.startup [ROUNDS]``.

Every round starts every command once, in a process of its own, so that a machine that slows down slows all of them;
medians and ranges are over the rounds. The first command, which only imports torch and Lightning, is what the others
are to be read beside.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TRAIN = [sys.executable, str(ROOT / "train.py")]
CLOCK = ["+callbacks.clock._target_=benchmarks.startup.clock.FirstStep", "allow_targets=[benchmarks]"]
NOW = "import time, torch, pytorch_lightning; print(time.time())"
ENDS = {
    "--help": [*TRAIN, "--help"],
    "a mistake in the configuration": [*TRAIN, "optimizer.lr=-1"],
}
SAYS_WHEN = {
    "import torch, pytorch_lightning": [sys.executable, "-c", NOW],
    "first training step of the default run": [*TRAIN, *CLOCK],
    "first training step, logger=none": [*TRAIN, *CLOCK, "logger=none"],
}


def seconds(name: str) -> float:
    """Return the seconds from the start of the process to its end, or to the time that it prints last."""
    with tempfile.TemporaryDirectory() as folder:
        trains = name in SAYS_WHEN and "train.py" in SAYS_WHEN[name][1]
        command = [*(SAYS_WHEN.get(name) or ENDS[name]), *([f"hydra.run.dir={folder}/run"] if trains else [])]
        started = time.time()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        ended = time.time()
    if name in ENDS:
        return ended - started
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr.strip().splitlines()[-1:]}")
    return float(done.stdout.split()[-1]) - started


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    times: dict[str, list[float]] = {name: [] for name in [*SAYS_WHEN, *ENDS]}
    for _ in range(rounds):
        for name, found in times.items():
            found.append(seconds(name))
    print(f"| command | median of {rounds}, s | range, s |\n|---|---|---|")
    for name, found in times.items():
        print(f"| {name} | {statistics.median(found):.2f} | {min(found):.2f} to {max(found):.2f} |")


if __name__ == "__main__":
    main()
