"""``python train.py`` with everything on, watched from within by a callback of the user's own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.speed.processes import REPOSITORY, Finished, run
from benchmarks.speed.row import Work
from benchmarks.speed.times import Times


@dataclass(frozen=True)
class Trained:
    """A finished run: its process, its stopwatch and its ``results.json``."""

    process: Finished
    times: Times
    results: dict[str, Any]


def train(
    work: Work, words: Sequence[str], stop_at: float | None = None, environment: Mapping[str, str] | None = None
) -> Trained:
    """Train as the ``words`` say, until the validation accuracy ``stop_at`` if there is one."""
    clock = work.folder / "stopwatch.json"
    stopwatch = {"_target_": "benchmarks.speed.callbacks.Stopwatch", "path": str(clock)}
    limit = {} if stop_at is None else {"stop_at": stop_at}
    process = run_with(work, words, {**stopwatch, **limit}, environment)
    results = json.loads((work.folder / "run" / "results.json").read_text(encoding="utf-8"))
    return Trained(process, Times(clock), results)


def run_with(
    work: Work, words: Sequence[str], callback: Mapping[str, object], environment: Mapping[str, str] | None = None
) -> Finished:
    """Run ``python train.py`` on one processor thread in the scratch folder with one more ``callback``."""
    fixed = [
        *(f"+callbacks.watch.{key}={value}" for key, value in callback.items()),
        "allow_targets=[benchmarks]",
        f"data_dir={work.data_dir}",
        f"hydra.run.dir={work.folder / 'run'}",
        "threads=1",
        "trainer=cpu",
    ]
    return run([str(REPOSITORY / "train.py"), *words, *fixed], environment)
