"""What a run notes about itself: its configuration, its words and the versions it ran with."""

import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lit_tricks.commandline.study import READ, is_study
from lit_tricks.errors import UserError

PACKAGES = ("lit-tricks", "torch", "pytorch-lightning", "hydra-core", "torchmetrics", "numpy", "scikit-learn")
PATHS = ("path", "test_path")


def resolved(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration of primitives as the run directory keeps it, without what belongs to one call only.

    Paths become absolute, because a run directory is read from other folders than the one it was made from. Of a
    study's configuration only what studies read is kept.
    """
    if is_study(config):
        return {key: config[key] for key in READ if key in config}
    content = {**config, "resume": None, "data": dict(config.get("data") or {})}
    for key in PATHS:
        if isinstance(content["data"].get(key), str):
            content["data"][key] = str(Path(content["data"][key]).expanduser().resolve())
    transfer = dict(config.get("transfer") or {})
    if transfer.get("source"):
        content["transfer"] = {**transfer, "source": str(Path(transfer["source"]).expanduser().resolve())}
    data_dir = Path(config.get("data_dir") or os.environ.get("LIT_TRICKS_DATA", "data"))
    return {**content, "data_dir": str(data_dir.expanduser().resolve())}


def experiments(overrides: list[str]) -> list[str]:
    """Return the experiment words among the overrides, in their order."""
    words: list[str] = []
    for override in overrides:
        key, _, value = override.partition("=")
        if key.lstrip("+") == "experiment":
            words += [word.strip() for word in value.strip("[]").split(",") if word.strip()]
    return words


def words(choices: Mapping[str, Any]) -> dict[str, str]:
    """Return the word chosen for each group, Hydra's own groups and the experiments left out."""
    return {
        group: str(word)
        for group, word in choices.items()
        if "/" not in group and "@" not in group and group != "experiment" and word is not None
    }


def versions() -> dict[str, str]:
    """Return the versions that a figure depends on."""
    found = {"python": platform.python_version(), "platform": sys.platform}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "checkout"
    return found


def reason(error: BaseException) -> str:
    """Return why a run failed, in one line; where it is known, with the place."""
    if isinstance(error, UserError):
        return str(error)
    return ", ".join([f"{type(error).__name__}: {error}".splitlines()[0], *getattr(error, "__notes__", ())])
