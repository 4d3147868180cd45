"""The names under which TensorBoard shows the runs of a sweep."""

import os
from pathlib import Path

import pytest
from leaving_runs import leave
from tensorboard.backend.event_processing.io_wrapper import GetLogdirSubdirectories

from lit_tricks.loggers import TensorBoard
from lit_tricks.report.named_runs import link_by_name
from lit_tricks.report.runs import load_sweep


def sweep(folder: Path, words: tuple[str, ...] = ("[baseline]", "[dropout,l2]")) -> Path:
    for number, word in enumerate(words):
        place = leave(folder / str(number), [f"+experiment={word}", "seed=4"], 0.9)
        board = TensorBoard(place)
        board.log_metrics({"val/acc": 0.5, "epoch": 0}, step=1)
        board.finalize("success")
    return folder


def test_tensorboard_finds_each_run_under_what_differs(tmp_path: Path) -> None:
    folder = sweep(tmp_path)
    leave(folder / "7", ["+experiment=[swa]", "seed=4"], None, status="failed")
    for _ in range(2):
        place = link_by_name(load_sweep(folder), folder)
        assert place is not None
        found = {os.path.relpath(each, place) for each in GetLogdirSubdirectories(str(place))}
        assert found == {"baseline, seed=4/val", "dropout+l2, seed=4/val"}
    folder.rename(tmp_path.with_name("moved"))
    assert (tmp_path.with_name("moved") / "tensorboard" / "baseline, seed=4" / "val").is_dir()


def test_names_are_files_names_and_differ(tmp_path: Path) -> None:
    place = link_by_name(load_sweep(sweep(tmp_path, ("[../a/b]", "[../a/b]", "[" + "x" * 300 + "]"))), tmp_path)
    assert place is not None
    assert {each.name for each in place.iterdir()} == {"_a_b, seed=4", "_a_b, seed=4 (1)", "x" * 100 + ", seed=4"}


def test_without_event_files_or_links_there_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(tmp_path / "0", [], 0.9)
    assert link_by_name(load_sweep(tmp_path), tmp_path) is None
    assert not (tmp_path / "tensorboard").exists()

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert link_by_name(load_sweep(sweep(tmp_path / "other")), tmp_path / "other") is None
