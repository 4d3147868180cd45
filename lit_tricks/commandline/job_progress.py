"""How far a sweep has come, told after each of its jobs by whatever process ran it."""

import json
import os
import time
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from lit_tricks.commandline.failures import JOURNAL, SUCCESS

# how many jobs the sweep has, for its jobs' processes
JOBS = "LIT_TRICKS_JOBS"


def count_jobs(config: DictConfig) -> int | None:
    """Return how many jobs the sweep of a configuration has, None when its sweeper decides that as it goes."""
    # an override may hold an interpolation that only its job can resolve
    hydra: Any = OmegaConf.to_container(config.hydra, resolve=False)
    sweeper = hydra["sweeper"]
    if not str(sweeper.get("_target_")).endswith(".BasicSweeper"):
        return None
    params = sweeper.get("params") or {}
    lines = [*(f"{key}={value}" for key, value in params.items()), *hydra["overrides"]["task"]]
    overrides = OverridesParser.create().parse_overrides(lines)
    return sum(len(batch) for batch in BasicSweeper.split_arguments(overrides, None))


def begin(number: int) -> None:
    """Note that a job runs."""
    place = _begun()
    if place is not None:
        with open(place, "a", encoding="utf-8") as file:
            file.write(json.dumps([number, time.time()]) + "\n")


def progress() -> str | None:
    """Return in one line how many jobs are done, failed, running and waiting, and about how long they will take.

    None outside a sweep, for its last job, and where the number of jobs is unknown.
    """
    begun, total = _begun(), os.environ.get(JOBS)
    if begun is None or not total or not begun.is_file():
        return None
    started = dict(json.loads(line) for line in begun.read_text(encoding="utf-8").splitlines())
    journal = Path(os.environ[JOURNAL])
    records = (
        [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()] if journal.is_file() else []
    )
    codes = {record["number"]: record["code"] for record in records}
    waiting = int(total) - len(started)
    if not codes or len(codes) >= int(total):
        return None
    failed = sum(code != SUCCESS for code in codes.values())
    elapsed = time.time() - min(started.values())
    left = elapsed / len(codes) * (int(total) - len(codes))
    counts = [f"{len(codes) - failed} done", f"{failed} failed", f"{len(started) - len(codes)} running"]
    return f"jobs: {', '.join(counts)}, {waiting} waiting; about {_duration(left)} left"


def _begun() -> Path | None:
    journal = os.environ.get(JOURNAL)
    return Path(journal).with_name("begun") if journal else None


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
