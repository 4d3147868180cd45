"""What a sweep says of itself between its jobs."""

from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from lit_tricks.commandline import job_progress
from lit_tricks.commandline.failures import FAILURE, JOURNAL, SUCCESS, JobRecord, record
from lit_tricks.commandline.job_progress import JOBS, begin, count_jobs, progress


def config(*overrides: str, sweeper: str = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper") -> DictConfig:
    node = {"_target_": sweeper, "params": {"data.fold": "0,1"}}
    return OmegaConf.create({"hydra": {"sweeper": node, "overrides": {"task": list(overrides)}}})


def test_jobs_are_the_product_of_all_choices() -> None:
    assert (
        count_jobs(config("+experiment=[a],[a,b]", "seed=range(0,3)", "+place=${hydra:runtime.output_dir}"))
        == 2 * 2 * 3
    )
    assert count_jobs(config(sweeper="hydra_plugins.lit_tricks_search.SearchSweeper")) is None


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setenv(JOURNAL, str(tmp_path / "journal"))
    monkeypatch.setenv(JOBS, "5")
    monkeypatch.setattr(job_progress.time, "time", lambda: now[0])
    return now


def test_jobs_are_counted_and_their_time_is_extrapolated(clock: list[float]) -> None:
    begin(0)
    begin(1)
    assert progress() is None
    clock[0] += 60
    record(JobRecord(0, [], SUCCESS))
    assert progress() == "jobs: 1 done, 0 failed, 1 running, 3 waiting; about 4 min left"
    begin(2)
    record(JobRecord(1, [], FAILURE))
    assert progress() == "jobs: 1 done, 1 failed, 1 running, 2 waiting; about 2 min left"
    for number in (3, 4):
        begin(number)
        record(JobRecord(number, [], SUCCESS))
    clock[0] -= 58
    assert progress() == "jobs: 3 done, 1 failed, 1 running, 0 waiting; about 0 s left"
    record(JobRecord(2, [], SUCCESS))
    assert progress() is None, "nothing is left"


def test_a_run_of_its_own_and_an_unknown_number_of_jobs_say_nothing(clock: list[float], monkeypatch) -> None:
    monkeypatch.setenv(JOBS, "")
    begin(0)
    record(JobRecord(0, [], SUCCESS))
    assert progress() is None
    monkeypatch.delenv(JOURNAL)
    begin(1)
    assert progress() is None
