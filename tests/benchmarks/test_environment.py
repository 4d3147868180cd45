"""What is measured has a name, and what else the machine does has a number."""

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.speed import environment
from benchmarks.speed.environment import busy_cores, code


def test_the_commit_is_named_and_changes_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert code(tmp_path) == "unknown"
    for key in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{key}_NAME", "somebody")
        monkeypatch.setenv(f"GIT_{key}_EMAIL", "somebody@example.org")
    source = tmp_path / "lit_tricks" / "module.py"
    source.parent.mkdir()
    source.write_text("")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    commit = code(tmp_path)
    assert len(commit) == 12
    (tmp_path / "notes.txt").write_text("")
    assert code(tmp_path) == commit
    source.write_text("changed")
    assert code(tmp_path) == f"{commit}, changed"


def test_busy_cores_are_the_share_of_busy_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([(100, 1000), (150, 1200)])
    monkeypatch.setattr(environment, "_ticks", lambda: next(ticks))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert busy_cores(0) == 2.0


def test_where_linux_is_not_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_ticks", lambda: None)
    assert busy_cores(0) is None
