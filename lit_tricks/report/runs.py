"""Many runs: read, told apart by what differs, and grouped over seeds."""

import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from lit_tricks.errors import UserError
from lit_tricks.report.regions import Regions
from lit_tricks.report.run_files import Rows, read_config, read_json, read_metrics

# What two runs of one group may differ in.
REPETITION = ("seed", "data.fold")
# The same, and what changes no figure.
INCIDENTAL = (
    *REPETITION, "data_dir", "threads", "pictures", "gallery", "resume", "allow_targets", "trainer.enable_progress_bar",
)  # fmt: skip
# Their lines in config.yaml, whose nodes are indented by two.
_INCIDENTAL_LINES = re.compile(
    rf"^({'|'.join('  ' * key.count('.') + key.rpartition('.')[2] for key in INCIDENTAL)}):.*\n", re.MULTILINE
)


@dataclass(frozen=True)
class Run:
    """One run directory as it was left.

    Attributes:
        path: the directory.
        results: the content of ``results.json``.
        label: what distinguishes its group, such as ``optimizer.lr=0.1``.
    """

    path: Path
    results: dict[str, Any]
    label: str = ""

    @property
    def completed(self) -> bool:
        """Whether the run reached its end."""
        return self.results.get("status") == "completed"

    @property
    def metrics(self) -> dict[str, Any]:
        """The final metrics, empty where there are none."""
        metrics = self.results.get("metrics")
        return metrics if isinstance(metrics, dict) else {}

    @property
    def data(self) -> dict[str, Any]:
        """What the run recorded of its data, empty where that is nothing."""
        data = self.results.get("data")
        return data if isinstance(data, dict) else {}

    @cached_property
    def rows(self) -> Rows:
        """The rows of ``metrics.csv``."""
        return read_metrics(self.path)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved configuration, empty where it is absent or damaged."""
        return read_config(self.path)

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
        seed = self.results.get("seed")
        return seed if isinstance(seed, int) else 0

    @property
    def pair(self) -> tuple[int, str]:
        """Seed and fold: what it has in common with the run of another group that it is compared with."""
        given = [item for item in overrides(self.results) if key_of(item) == "data.fold"]
        return self.seed, given[-1].partition("=")[2] if given else ""

    @property
    def status(self) -> str:
        """How the run ended, ``unreadable`` where it left nothing that says so."""
        return str(self.results.get("status") or "unreadable")

    @property
    def state(self) -> str:
        """The status, with the reason of a run that did not complete."""
        return self.status if self.completed else f"{self.status}: {self.reason}"

    @property
    def reason(self) -> str:
        """Why the run did not complete, empty for one that did."""
        if self.completed:
            return ""
        if not self.results:
            return "results.json is absent or unreadable"
        return str(self.results.get("reason") or "no reason was recorded")


def load_sweep(folder: Path, apart: Sequence[str] = ()) -> list[Run]:
    """Return every run directly under ``folder``, in the order of the jobs, labelled by what differs.

    Failed and unfinished runs are among them. Labels leave out what repeats a run, its seed and its fold, and the
    keys in ``apart``.
    """
    return labelled([Run(place, read_json(place / "results.json")) for place in _below(folder)], apart)


def find_runs(folders: Sequence[Path]) -> list[Run]:
    """Return the runs of several folders, each once, labelled by what differs among all of them.

    A folder is a run itself, holds runs, or holds folders with runs, such as several multiruns. Raises ``UserError``
    for a folder in which there are none.
    """
    places: dict[Path, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"compare needs folders with runs; {folder} is no folder: try lit-tricks compare runs/DIR")
        found = [folder] if _is_run(folder) else _below(folder)
        found = found or [place for child in sorted(folder.iterdir()) if child.is_dir() for place in _below(child)]
        if not found:
            raise UserError(f"compare needs folders with runs; {folder} holds none: name the folder of a multirun")
        for place in found:
            places.setdefault(place.resolve(), place)
    return labelled([Run(place, read_json(place / "results.json")) for place in places.values()])


def labelled(runs: Sequence[Run], apart: Sequence[str] = ()) -> list[Run]:
    """Return ``runs`` with labels of what differs between their command lines, and in what these leave unsaid."""
    said = [overrides(run.results) for run in runs]
    counts = Counter(override for given in said for override in set(given))
    kept = {*REPETITION, *apart}
    named = [replace(run, label=_label(given, counts, len(runs), kept)) for run, given in zip(runs, said, strict=True)]
    return named if apart else _told_apart(named)


def grouped(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Return the runs by label, groups and runs in the order given."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.label, []).append(run)
    return groups


def overrides(results: dict[str, Any]) -> list[str]:
    """Return the overrides of the command line as they were given."""
    listed = results.get("overrides")
    return [str(item) for item in listed] if isinstance(listed, list) else []


def key_of(override: str) -> str:
    """Return the key that an override sets."""
    return override.lstrip("+").partition("=")[0]


def flat(node: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return a configuration's leaves as texts under their dotted keys."""
    leaves: dict[str, str] = {}
    for key, value in node.items():
        if isinstance(value, dict) and value:
            leaves |= flat(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = "null" if value is None else str(value)
    return leaves


def differing(configs: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the keys in which configurations differ, each with its values in their order; ``-`` where it is absent."""
    leaves = [flat(config) for config in configs]
    keys = dict.fromkeys(key for each in leaves for key in each)
    rows = {key: [each.get(key, "-") for each in leaves] for key in keys}
    return {key: values for key, values in rows.items() if len(set(values)) > 1}


def settings_of(run: Run) -> str:
    """Return the text of the run's configuration without what repeats a run or changes no figure."""
    try:
        return _INCIDENTAL_LINES.sub("", (run.path / "config.yaml").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""


def _told_apart(runs: Sequence[Run]) -> list[Run]:
    """Split groups whose runs have one command line and yet several configurations, such as those of two versions."""
    replaced: dict[Path, Run] = {}
    for group in grouped([run for run in runs if run.completed]).values():
        # a searched learning rate is each run's own finding
        texts = {run.path: "" if run.results.get("lr_finder") else settings_of(run) for run in group}
        first = {text: run for run in reversed(group) if (text := texts[run.path])}
        if len(first) < 2:
            continue
        keys = differing([run.config for run in first.values()])
        for run in group:
            place = list(first).index(texts[run.path]) if texts[run.path] else None
            differs = [f"{key}={values[place]}" for key, values in keys.items() if place is not None]
            kept = [each for each in differs if key_of(each) not in INCIDENTAL]
            replaced[run.path] = replace(run, label=", ".join([run.label, *kept]))
    return [replaced.get(run.path, run) for run in runs]


def _below(folder: Path) -> list[Path]:
    children = folder.iterdir() if folder.is_dir() else ()
    return sorted((place for place in children if _is_run(place)), key=_job_order)


def _is_run(place: Path) -> bool:
    return (place / "results.json").is_file() or (place / "config.yaml").is_file()


def _label(own: Sequence[str], counts: Counter[str], runs: int, apart: Container[str]) -> str:
    return ", ".join(_words([item for item in own if counts[item] < runs and key_of(item) not in apart])) or "all runs"


def _words(given: Sequence[str]) -> Iterator[str]:
    for override in given:
        key, _, value = override.lstrip("+").partition("=")
        if key == "experiment":
            yield "+".join(word for word in re.split(r"[\[\],\s]+", value) if word) or "baseline"
        else:
            yield f"{key}={value}"


def _job_order(place: Path) -> tuple[int, int, str]:
    return (0, int(place.name), "") if place.name.isdecimal() else (1, 0, place.name)
