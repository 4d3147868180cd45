"""Searches that tests plan, run with a launcher that trains nothing, and look at."""

import json
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import optuna
from omegaconf import OmegaConf
from optuna.storages import RDBStorage

from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.commandline.searching import plan_search
from lit_tricks.search.loop import Job, search
from lit_tricks.search.plan import Plan
from lit_tricks.search.storage import open_study

COMPOSER = Composer(str(conf_dir()))
Outcome = float | None | str | BaseException
Train = Callable[[dict[str, str]], Outcome]


def planned(folder: Path, word: str, *lines: str, data: dict[str, Any] | None = None, **knobs: Any) -> Plan:
    sweeper = OmegaConf.to_container(COMPOSER.own("hydra/sweeper", word))
    return plan_search({**sweeper, **knobs}, [COMPOSER.parse(line) for line in lines], data or {}, str(folder))


class Launcher:
    """Writes the ``results.json`` of every job instead of training it.

    ``train`` maps a job's overrides to its metric, to None for one that is not finite, to the reason of a failure,
    or to an exception that the launcher raises.
    """

    def __init__(self, plan: Plan, train: Train) -> None:
        self.plan, self.train = plan, train
        self.batches: list[list[Job]] = []

    def __call__(self, jobs: Sequence[Job]) -> list[BaseException | None]:
        self.batches.append(list(jobs))
        for job in jobs:
            outcome = self.train(dict(override.split("=", 1) for override in job.overrides))
            if isinstance(outcome, BaseException):
                raise outcome
            folder = self.plan.directory / job.folder
            folder.mkdir(parents=True)
            failed = isinstance(outcome, str)
            results = {
                "status": "failed" if failed else "completed",
                "reason": outcome if failed else None,
                "metrics": {} if failed else {self.plan.settings.metric: outcome, "test/acc": 0.5},
            }
            (folder / "results.json").write_text(json.dumps(results))
        return [None] * len(jobs)

    @property
    def trained(self) -> list[tuple[str, ...]]:
        return [job.overrides for batch in self.batches for job in batch]


@cache
def _empty_storage() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        RDBStorage(f"sqlite:///{folder}/empty.db").engine.dispose()
        return Path(folder, "empty.db").read_bytes()


def provide_storage(path: Path) -> None:
    """Copy an empty storage to ``path`` unless one is there: making its tables takes longer than a test."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_empty_storage())


def opened(plan: Plan) -> optuna.Study:
    provide_storage(plan.storage)
    return open_study(plan)


def run(plan: Plan, train: Train, stored: bool = False) -> tuple[optuna.Study, Launcher]:
    """Search, in memory unless ``stored``."""
    launcher = Launcher(plan, train)
    study = opened(plan) if stored else optuna.create_study(direction=plan.settings.direction)
    search(study, plan, launcher)
    return study, launcher


def results(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return content
