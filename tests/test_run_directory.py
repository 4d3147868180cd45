"""A run directory is unique, marked until it is complete, and never overwritten."""

import json
import multiprocessing
from pathlib import Path

import pytest

from lit_tricks.errors import UserError
from lit_tricks.run_directory import RunDirectory


def test_a_claimed_directory_is_marked_as_failed_until_results_are_written(tmp_path: Path) -> None:
    directory = RunDirectory.claim(tmp_path / "run")
    results = directory.read_results()
    assert results["status"] == "failed"
    assert "did not finish" in results["reason"]
    directory.write_results({"status": "completed", "metrics": {"test/acc": 0.5, "test/auroc": float("nan")}})
    content = json.loads(directory.results.read_text())
    assert content == {"status": "completed", "metrics": {"test/acc": 0.5, "test/auroc": None}}


def test_a_second_claim_of_the_same_name_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    first, second, third = (RunDirectory.claim(tmp_path / "run") for _ in range(3))
    assert [item.path.name for item in (first, second, third)] == ["run", "run-2", "run-3"]


def _claim(path: str) -> str:
    return str(RunDirectory.claim(Path(path)).path)


def test_claims_at_the_same_moment_never_meet(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        claimed = pool.map(_claim, [str(tmp_path / "run")] * 24, chunksize=1)
    assert len(set(claimed)) == 24


def test_one_process_at_a_time_trains_a_run(tmp_path: Path) -> None:
    directory = RunDirectory.claim(tmp_path / "run")
    with directory.held(), pytest.raises(UserError, match="one process at a time"), directory.held():
        pass
    with directory.held():
        pass


@pytest.mark.parametrize(("make", "message"), [(False, "which is no folder"), (True, "holds no config.yaml")])
def test_what_is_no_run_is_named(tmp_path: Path, make: bool, message: str) -> None:
    if make:
        (tmp_path / "run").mkdir()
    with pytest.raises(UserError, match=message):
        RunDirectory.open(tmp_path / "run")


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"a run needs a folder it can write to.*hydra\.run\.dir"):
        RunDirectory.claim(tmp_path / "file" / "run")


def test_damaged_files_are_named(tmp_path: Path) -> None:
    directory = RunDirectory.claim(tmp_path)
    directory.config.write_text("a: [1")
    with pytest.raises(UserError, match="readable YAML"):
        directory.read_config()
    directory.config.write_text("- 1")
    with pytest.raises(UserError, match="must hold a mapping"):
        directory.read_config()
    directory.results.write_text("{")
    assert directory.read_results() == {}
    with pytest.raises(UserError, match="a run needs a checkpoint"):
        directory.checkpoint()
