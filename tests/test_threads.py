"""Threads fit the network, and jobs that train side by side share the cores."""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from lightning_fabric.utilities.distributed import _set_num_threads_if_needed
from PIL import Image
from torch import nn

from lit_tricks import threads
from lit_tricks.commandline.entry import main
from lit_tricks.data import decoding
from lit_tricks.threads import choose_threads, core_share, held_to, parallel_jobs

REPOSITORY = Path(__file__).resolve().parents[1]
LARGE = ["model.hidden=[2048]", "batch_size=512", "trainer.max_epochs=1", "logger=none"]


@pytest.fixture(autouse=True)
def _no_limit_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)


def network(*widths: int) -> nn.Module:
    layers = [nn.Linear(before, after) for before, after in pairwise(widths)]
    return nn.Sequential(nn.Flatten(), *layers)


@pytest.mark.usefixtures("eight_cores")
def test_a_tiny_network_never_takes_more_than_one_thread() -> None:
    count, why = choose_threads("auto", network(784, 30, 10), (1, 28, 28), 10)
    # a multiplication and an addition for every weight and example
    assert why == f"{2 * (784 * 30 + 30 * 10) * 10 / 1e6:.1f} million operations a forward batch"
    assert count == 1


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(("processes", "expected"), [(1, 8), (2, 4), (3, 2), (8, 1), (20, 1)])
def test_processes_share_the_cores(processes: int, expected: int) -> None:
    count, why = choose_threads("auto", network(784, 512, 512, 10), (784,), 512, processes)
    assert count == expected
    assert ("processes share 8 cores" in why) == (processes > 1)


@pytest.mark.usefixtures("eight_cores")
def test_operations_that_cannot_be_counted_are_no_zero() -> None:
    assert choose_threads("auto", nn.Flatten(), (1, 4, 4), 512) == (
        1,
        "a forward batch takes no operations that can be counted",
    )


@pytest.mark.usefixtures("eight_cores")
def test_whoever_reads_the_data_gets_the_same_share(monkeypatch: pytest.MonkeyPatch) -> None:
    assert core_share("auto", 1)() == (8, [])
    assert core_share("auto", 3)()[0] == 2
    assert core_share(5, 3)()[0] == 5
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    share = core_share("auto", 3)
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert share()[0] == 1


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(("threads", "expected"), [("auto", 8), ("3", 3)])
def test_images_are_decoded_by_the_threads_of_the_run(
    threads: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(0)
    for number in range(40):
        place = tmp_path / "images" / str(number % 2) / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (8, 8), dtype=np.uint8)).save(place)
    most: list[int] = []
    monkeypatch.setattr(decoding, "_threads", lambda paths, told: most.append(told()) or 1)
    data = ["data=image_folder", f"data.path={tmp_path / 'images'}", f"threads={threads}"]
    assert main([*data, "trainer.max_epochs=1", "logger=none", f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    assert most == [expected]


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(("limit", "expected"), [("2", 2), ("3,1", 3), ("64", 4), ("all", 4)])
def test_a_limit_from_outside_counts(limit: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert choose_threads("auto", network(784, 512, 512, 10), (784,), 512, processes=2)[0] == expected


def test_a_number_is_taken_as_asked() -> None:
    assert choose_threads(3, network(4, 2), (4,), 8, processes=2) == (3, "as asked")


def test_choosing_leaves_network_and_random_state_alone() -> None:
    noisy = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 2))
    before = {name: value.clone() for name, value in noisy.state_dict().items()}, torch.get_rng_state()
    choose_threads("auto", noisy, (1, 4, 4), 32)
    assert noisy.training
    assert torch.equal(torch.get_rng_state(), before[1])
    assert all(torch.equal(value, before[0][name]) for name, value in noisy.state_dict().items())


@pytest.mark.parametrize("n_jobs", [None, 1, 5, -1, -2, -500])
def test_jobs_at_once_are_counted_as_joblib_counts_them(n_jobs: int | None) -> None:
    assert parallel_jobs(n_jobs) == joblib.effective_n_jobs(n_jobs)


@pytest.mark.parametrize("outside", [None, "7"])
def test_lightning_does_not_change_the_number(outside: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if outside is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", outside)
    before = torch.get_num_threads()
    with held_to(3):
        # what Lightning calls when it starts several processes
        _set_num_threads_if_needed(num_processes=1)
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before
    assert os.environ.get("OMP_NUM_THREADS") == outside


def test_a_run_starts_from_the_same_weights_whatever_was_set_before(tmp_path: Path) -> None:
    # the QR decomposition behind orthogonal weights rounds differently on two threads
    words = ["init=orthogonal", "threads=1", "model.hidden=[512]", "trainer.max_epochs=1", "logger=none"]
    losses = []
    for before in (1, 2):
        with held_to(before):
            assert main([*words, f"hydra.run.dir={tmp_path / str(before)}"]) == 0
        losses.append(results_of(tmp_path / str(before))["metrics"]["test/loss"])
    assert losses[0] == losses[1]


SPY = """
import json
import os
from pathlib import Path

import pytorch_lightning as pl
import threadpoolctl
import torch


class Spy(pl.Callback):
    def __init__(self, run_dir):
        self.path = Path(run_dir) / "seen.json"

    def on_fit_end(self, trainer, module):
        pools = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        seen = {"torch": torch.get_num_threads(), "pools": pools, "variables": [os.environ.get(n) for n in names]}
        self.path.write_text(json.dumps(seen))
"""


def results_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


def test_jobs_of_a_joblib_sweep_share_the_cores_and_outlive_a_failing_one(tmp_path: Path) -> None:
    (tmp_path / "spy.py").write_text(SPY)
    spied = ["+callbacks.spy._target_=spy.Spy", "+callbacks.spy.run_dir=${hydra:runtime.output_dir}"]
    words = [*LARGE, *spied, "allow_targets=[spy]", "optimizer=sgd", "optimizer.lr=0.1,1e30,0.2", "seed=4"]
    launcher = ["-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweep.dir=sweep"]
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "train.py"), *launcher, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(REPOSITORY)])},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert [line.partition("(")[0] for line in errors] == ["error in job 1 ", "error: 1 of 3 jobs failed: 1 "]
    assert "the training loss must stay finite" in errors[0]
    assert "Traceback" not in done.stderr

    folders = [tmp_path / "sweep" / str(job) for job in range(3)]
    results = [results_of(folder) for folder in folders]
    assert [found["status"] for found in results] == ["completed", "failed", "completed"]
    share = max(1, joblib.cpu_count() // 2)
    assert [found["threads"] for found in results] == [share] * 3
    assert done.stdout.count(f"; 2 processes share {joblib.cpu_count()} core") == 3
    assert re.search(r"^jobs: \d done, [01] failed, [12] running, [01] waiting; about \d+ s left$", done.stdout, re.M)
    assert (tmp_path / "sweep" / "comparison.html").is_file()
    for folder in (folders[0], folders[2]):
        assert (folder / "report.html").is_file()
        assert (folder / "checkpoints" / "last.ckpt").is_file()
        seen = json.loads((folder / "seen.json").read_text())
        assert seen["torch"] == share
        assert max(seen["pools"]) <= share
        assert seen["variables"] == [str(share)] * 3
    assert results[0]["metrics"] != results[2]["metrics"]


def test_the_same_run_alone_has_all_cores(tmp_path: Path) -> None:
    assert main([*LARGE, f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    assert results_of(tmp_path / "run")["threads"] == joblib.cpu_count()
