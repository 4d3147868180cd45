"""A real search, small enough for a test."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from searching import provide_storage

from lit_tricks.commandline.entry import main

DATA = ["data=moons", "data.n_samples=200", "logger=none"]
TINY = [*DATA, "trainer.max_epochs=1", "trainer.enable_progress_bar=false"]


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Return a function that runs a search on the command line and returns exit code and ``search.json``."""
    monkeypatch.chdir(tmp_path)
    # pictures take longer than the training; those of a search are drawn by its fixture in test_search.py
    monkeypatch.setattr("lit_tricks.conclusion.illustrate", lambda *_: {})
    monkeypatch.setattr("lit_tricks.publication.save_figure", lambda *_: None)
    monkeypatch.setattr("lit_tricks.search.command.save_figure", lambda *_: None)

    def start(*arguments: str, folder: str = "sweep", tiny: Sequence[str] = TINY) -> tuple[int, dict[str, Any]]:
        provide_storage(tmp_path / folder / "search.db")
        code = main(["-m", *tiny, *arguments, f"hydra.sweep.dir={folder}"])
        summary = tmp_path / folder / "search.json"
        return code, json.loads(summary.read_text()) if summary.is_file() else {}

    return start
