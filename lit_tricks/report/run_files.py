"""Reads what a run left behind, complete or not."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import yaml

if TYPE_CHECKING:
    import numpy as np

Rows = list[dict[str, float | None]]
# the compiled one is ten times as fast, which many runs feel
_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_metrics(run_dir: Path) -> Rows:
    """Return the rows of ``metrics.csv`` in order, one per epoch; a value that is missing is None.

    An absent file gives no rows; a cell that is no number, as in a torn line, is None.
    """
    try:
        text = (run_dir / "metrics.csv").read_text(encoding="utf-8")
    except OSError:
        return []
    return [{name: _number(cell) for name, cell in row.items() if name} for row in csv.DictReader(text.splitlines())]


def read_json(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON file, empty when the file is absent, torn or holds something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def read_arrays(path: Path, *names: str) -> "tuple[np.ndarray, ...] | None":
    """Return arrays of an ``npz`` file by name, None when it is absent, torn or lacks one; nothing is unpickled."""
    import numpy as np

    try:
        # given a path, numpy would leave a torn file open
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as content:
            return tuple(content[name] for name in names)
    except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, BadZipFile):
        return None


def read_diagnosis(run_dir: Path) -> tuple[list[dict[str, str]], list[str]] | None:
    """Return the findings of ``diagnosis.json`` as texts and the names of the checks made, None without any.

    A finding has ``symptom`` and ``severity``, and what it recorded of ``layer``, ``evidence``, ``cause`` and
    ``prescription``.
    """
    content = read_json(run_dir / "diagnosis.json")
    found, checks = content.get("diagnoses"), content.get("checks")
    if not isinstance(found, list):
        return None
    findings = [
        {"symptom": "unnamed", "severity": "note"}
        | {str(key): _text(value) for key, value in each.items() if value not in (None, "", [])}
        for each in found
        if isinstance(each, dict)
    ]
    return findings, [_text(check) for check in checks] if isinstance(checks, list) else []


def has_events(run_dir: Path) -> bool:
    """Return whether the run wrote files that TensorBoard shows."""
    return next(run_dir.rglob("events.out.tfevents.*"), None) is not None


def read_config(run_dir: Path) -> dict[str, Any]:
    """Return the resolved configuration of ``config.yaml``, empty when absent or damaged."""
    try:
        content = yaml.load((run_dir / "config.yaml").read_text(encoding="utf-8"), Loader=_SAFE_LOADER)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(item)}" for key, item in value.items())
    return str(value)


def _number(cell: object) -> float | None:
    try:
        return float(str(cell))
    except ValueError:
        return None
