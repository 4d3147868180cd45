"""The runs of a sweep under names that say what differs, as TensorBoard shows them."""

import re
from collections.abc import Sequence
from pathlib import Path

from lit_tricks.report.run_files import has_events
from lit_tricks.report.runs import Run

FOLDER = "tensorboard"
LONGEST = 100


def link_by_name(runs: Sequence[Run], folder: Path, further: Sequence[Path] = ()) -> Path | None:
    """Link every run with event files into ``folder/tensorboard`` as ``group, seed=0`` and return that folder.

    TensorBoard names runs after their folders, which in a sweep are bare numbers. Links of an earlier call are
    replaced.

    Args:
        runs: in or below ``folder``.
        folder: of the sweep.
        further: other folders with event files, linked under their own names.

    Returns:
        None where no run has event files or the file system has no symbolic links.
    """
    named = {name: run.path for name, run in _names([run for run in runs if has_events(run.path)]).items()}
    if not named:
        return None
    place = folder / FOLDER
    try:
        place.mkdir(exist_ok=True)
        for old in place.iterdir():
            if old.is_symlink():
                old.unlink()
        for name, path in {**named, **{each.name: each for each in further}}.items():
            # relative, so that the sweep may move
            (place / name).symlink_to(Path("..") / path.relative_to(folder), target_is_directory=True)
    except (OSError, ValueError):
        return None
    return place


def _names(runs: Sequence[Run]) -> dict[str, Run]:
    found: dict[str, Run] = {}
    for run in runs:
        seed, fold = run.pair
        name = ", ".join([_plain(run.label)[:LONGEST], f"seed={seed}", *([f"fold={fold}"] if fold else [])])
        found[name if name not in found else f"{name} ({run.path.name})"] = run
    return found


def _plain(label: str) -> str:
    """Return a label as a file's name on every system."""
    return re.sub(r'[\x00-\x1f/\\:*?"<>|]+', "_", label).strip(". ") or "run"
