"""Many runs of one sweep: read, told apart by what differs, and grouped over seeds."""

import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from lit_tricks.report.regions import Regions
from lit_tricks.report.run_files import Rows, read_json, read_metrics

# What two runs of one group may differ in.
REPETITION = ("seed", "data.fold")


@dataclass(frozen=True)
class Run:
    """One run directory as it was left.

    Attributes:
        path: the directory.
        results: the content of ``results.json``.
        rows: the rows of ``metrics.csv``.
        label: what distinguishes its group, such as ``optimizer.lr=0.1``.
    """

    path: Path
    results: dict[str, Any]
    rows: Rows = field(repr=False)
    label: str = ""

    @property
    def completed(self) -> bool:
        """Whether the run reached its end."""
        return self.results.get("status") == "completed"

    @cached_property
    def layers(self) -> dict[str, Any]:
        """The layers that the run recorded, by moment; empty where it recorded none."""
        return read_json(self.path / "layers.json")

    @property
    def regions(self) -> Regions | None:
        """The decision regions that the run left, None where it left none that can be read."""
        try:
            return Regions.read(self.path / "regions.npz")
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None

    @property
    def seed(self) -> int:
        """The run's seed, 0 where none was recorded."""
        return int(self.results.get("seed") or 0)


def load_sweep(folder: Path, apart: Sequence[str] = ()) -> list[Run]:
    """Return every run directly under ``folder``, in the order of the jobs, labelled by what differs.

    Failed and unfinished runs are among them. Labels leave out what repeats a run, its seed and its fold, and the
    keys in ``apart``.
    """
    places = sorted((path.parent for path in folder.glob("*/results.json")), key=_job_order)
    found = [(place, read_json(place / "results.json"), read_metrics(place)) for place in places]
    said = [_overrides(results) for _, results, _ in found]
    return [
        Run(place, results, rows, _label(own, said, {*REPETITION, *apart}))
        for (place, results, rows), own in zip(found, said, strict=True)
    ]


def grouped(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Return the runs by label, groups and runs in the order given."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.label, []).append(run)
    return groups


def _overrides(results: dict[str, Any]) -> list[str]:
    listed = results.get("overrides")
    return [str(item) for item in listed] if isinstance(listed, list) else []


def _label(own: Sequence[str], everybody: Sequence[Sequence[str]], apart: Container[str]) -> str:
    counts = Counter(override for said in everybody for override in set(said))
    differing = [item for item in own if counts[item] < len(everybody) and key_of(item) not in apart]
    return ", ".join(_words(differing)) or "all runs"


def _words(overrides: Sequence[str]) -> Iterator[str]:
    for override in overrides:
        key, _, value = override.lstrip("+").partition("=")
        if key == "experiment":
            yield "+".join(word for word in re.split(r"[\[\],\s]+", value) if word) or "baseline"
        else:
            yield f"{key}={value}"


def key_of(override: str) -> str:
    """Return the key that an override sets."""
    return override.lstrip("+").partition("=")[0]


def _job_order(place: Path) -> tuple[int, int, str]:
    return (0, int(place.name), "") if place.name.isdecimal() else (1, 0, place.name)
