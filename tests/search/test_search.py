"""Real searches from the command line to what they leave behind."""

import csv
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
from omegaconf import OmegaConf
from PIL import Image
from search.conftest import DATA, TINY
from searching import COMPOSER, planned, results

from lit_tricks.commandline.entry import main
from lit_tricks.commandline.strict import check_command_line
from lit_tricks.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[2]
Sweep = Callable[..., tuple[int, dict[str, Any]]]
SPACE = ["model.hidden.0=range(32,512,32), both ends included", "optimizer.lr=choice(0.01,0.001,0.0001)"]

NETWORKS = """
import os, pathlib, time
from torch import nn

class Net(nn.Sequential):
    def __init__(self, input_shape, num_classes, width):
        if width == 13:
            raise RuntimeError("thirteen")
        super().__init__(nn.Linear(width if width == 7 else 2, 8), nn.ReLU(), nn.Linear(8, num_classes))

        self.name = str(width)

    def forward(self, x):
        if self.training and os.environ.get("INTERRUPT") == self.name:
            raise KeyboardInterrupt
        if self.training and os.environ.get("SLEEP") == self.name:
            pathlib.Path("asleep").touch()
            time.sleep(60)
        return super().forward(x)
"""
OWN = ["model=custom", "model._target_=networks.Net", "allow_targets=[networks]"]


def test_the_objective_is_the_mean_of_what_the_runs_wrote(sweep: Sweep, tmp_path: Path) -> None:
    code, summary = sweep("hydra/sweeper=grid", "optimizer.lr=choice(0.01)", "seed=0,1", "data.folds=2")
    assert code == 0
    pairs = [(seed, fold) for seed in (0, 1) for fold in (0, 1)]
    found = [results(tmp_path / "sweep" / f"trial_0/seed_{seed}_fold_{fold}") for seed, fold in pairs]
    assert [(run["seed"], run["overrides"][-1]) for run in found] == [
        (seed, f"data.fold={fold}") for seed, fold in pairs
    ]
    values = [run["metrics"]["val/loss"] for run in found]
    assert len(set(values)) == 4
    assert summary["best"]["value"] == pytest.approx(mean(values))
    assert summary["best"]["sd"] == pytest.approx(stdev(values))
    accuracies = [run["metrics"]["test/acc"] for run in found]
    assert summary["best"]["test"]["test/acc"] == {"mean": mean(accuracies), "sd": stdev(accuracies)}


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """Run a grid of two trials; return its folder, what it came to and what it printed."""
    folder = tmp_path_factory.mktemp("grid")
    words = ["hydra/sweeper=grid", "optimizer.lr=0.1,0.01", "model.activation=choice(tanh)"]
    out = io.StringIO()
    with redirect_stdout(out):
        assert main(["-m", *TINY, *words, f"hydra.sweep.dir={folder}"]) == 0
    return folder, json.loads((folder / "search.json").read_text()), out.getvalue()


def test_the_best_command_reproduces_the_best_value(grid: Any, tmp_path: Path) -> None:
    folder, summary, out = grid
    command = (folder / "best_command.txt").read_text().strip()
    assert f"train   {command}\n" in out
    assert main([*shlex.split(command)[2:], f"hydra.run.dir={tmp_path / 'again'}"]) == 0
    values = [trial["value"] for trial in summary["trials"]]
    assert results(tmp_path / "again")["metrics"]["val/loss"] == min(values)
    assert len(set(values)) == 2


def test_the_folder_and_the_terminal_tell_the_same(grid: Any) -> None:
    folder, summary, out = grid
    with open(folder / "search.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val/loss"]) for row in rows] == [trial["value"] for trial in summary["trials"]]
    combinations = [("0.1", "tanh"), ("0.01", "tanh")]
    assert [(row["optimizer.lr"], row["model.activation"]) for row in rows] == combinations
    cells = [line.split() for line in out.splitlines()]
    table = [row for row in cells if len(row) == 4 and tuple(row[1:3]) in combinations]
    ranked = sorted(summary["trials"], key=lambda trial: trial["value"])
    assert [row[0] for row in table] == [str(trial["number"]) for trial in ranked]
    for name in ("search_history.png", "search_slices.png"):
        with Image.open(folder / "figures" / name) as picture:
            assert min(picture.size) > 400


def test_test_metrics_are_shown_for_the_best_trial_alone(grid: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, summary, out = grid
    assert out.count("test/acc") == 1
    assert f"test/acc {summary['best']['test']['test/acc']['mean']:.4f}," in out
    assert "the choice was made by validation" in out
    for trial in summary["trials"]:
        assert "test" not in trial


def test_the_repeat_command_repeats_the_best_trial(sweep: Sweep, tmp_path: Path) -> None:
    code, summary = sweep("+experiment=lecture/e4_random", "data.train_size=null", "hydra.sweeper.n_trials=1")
    assert code == 0
    assert summary["space"] == SPACE
    best = summary["best"]
    assert [Path(run).name for run in best["runs"]] == ["fold_0", "fold_1", "fold_2"]
    units = int(best["params"]["model.hidden.0"])
    for run in best["runs"]:
        assert results(tmp_path / "sweep" / run)["n_params"] == (2 * units + units) + (2 * units + 2)
    assert main([*shlex.split(best["repeat"])[2:], "hydra.sweep.dir=again"]) == 0
    repeated = json.loads((tmp_path / "again" / "search.json").read_text())["best"]
    assert (repeated["value"], repeated["sd"]) == (best["value"], best["sd"])
    # the single network trains without folds, and is no search
    assert main([*shlex.split(best["command"])[2:], "hydra.run.dir=single"]) == 0
    assert results(tmp_path / "single")["data"]["n_val"] < results(tmp_path / "sweep" / run)["data"]["n_val"]


def test_a_failing_trial_does_not_end_the_search(
    sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks.py").write_text(NETWORKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    code, summary = sweep(*OWN, "hydra/sweeper=grid", "model.width=7,13,1")
    assert code == 1
    assert summary["counts"] == {"failed": 2, "completed": 1}
    assert summary["best"]["params"] == {"+model.width": "1"}
    captured = capsys.readouterr()
    assert "trial 0 failed: the model must accept inputs of shape (2,)" in captured.out
    assert "trial 1 failed: RuntimeError: thirteen (+model.width=13)" in captured.out
    assert captured.err.splitlines()[-1].startswith("error: 2 of 3 jobs failed: 0 (")


def test_a_search_without_a_success_is_one_mistake(
    sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks.py").write_text(NETWORKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    code, summary = sweep(*OWN, "hydra/sweeper=grid", "model.width=13,7")
    assert code == 2
    assert summary["best"] is None
    assert not (tmp_path / "sweep" / "best_command.txt").exists()
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(
        "error: a search needs a trial that succeeds; of 2: 2 failed, the first because: RuntimeError"
    )


def test_a_diverging_trial_is_told_apart_from_a_failing_one(sweep: Sweep) -> None:
    code, summary = sweep("hydra/sweeper=grid", "optimizer=sgd", "loss=mse", "optimizer.lr=choice(1e30)")
    assert code == 2
    assert summary["counts"] == {"diverged": 1}
    assert "the training loss must stay finite" in summary["trials"][0]["reason"]


def test_data_without_validation_is_told(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    code, summary = sweep("hydra/sweeper=random", "optimizer.lr=0.1,0.01", "data.val_size=0")
    assert (code, summary) == (2, {})
    assert capsys.readouterr().err == (
        "error: a search selects by validation; received data.val_size=0: try data.val_size=0.1\n"
    )


@pytest.mark.parametrize("word", ["grid", "random", "bayesian", "halving"])
def test_the_lectures_searches_are_one_space_searched_in_four_ways(word: str) -> None:
    check_command_line([f"+experiment=lecture/e4_{word}"])
    composed = COMPOSER.compose([COMPOSER.parse(f"+experiment=lecture/e4_{word}")])
    sweeper: Any = OmegaConf.to_container(composed.config.hydra.sweeper)
    lines = [f"{key}={value}" for key, value in sweeper["params"].items()]
    plan = planned(Path("sweep"), word, *lines, data=dict(composed.config.data), n_trials=sweeper["n_trials"])
    assert composed.choices["hydra/sweeper"] == word
    assert [str(parameter) for parameter in plan.parameters] == SPACE
    assert plan.grid_size == 48
    assert plan.n_trials == {"grid": 48, "random": 5}.get(word, sweeper["n_trials"])
    assert len(plan.repetitions) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hydra/sweeper=random", "study=activations", "study.reach=1,2"], "a study trains none: leave out the study"),
        (
            ["hydra/sweeper=halving", "model=mlp,svm"],
            "sklearn.svm.SVC is fitted at once; received hydra.sweeper.pruner=h",
        ),
        (["hydra/sweeper=random", "optimizer.lr=0.1,0.2", "hydra.sweeper.n_jobs=2"], "try hydra/launcher=joblib"),
        (["optimizer.lr=interval(0.1,1)"], "an interval needs a search that draws from it"),
    ],
)
def test_what_cannot_be_searched_is_told_before_the_start(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_command_line(["-m", *arguments])


def test_a_classical_classifier_is_searched_as_well(sweep: Sweep) -> None:
    code, summary = sweep(
        "model=svm", "hydra/sweeper=grid", "hydra.sweeper.metric=val/acc", "model.C=choice(1)", tiny=DATA
    )
    assert code == 0
    assert summary["best"]["value"] > 0.8


def test_a_classifier_without_probabilities_has_no_loss_to_search_by(sweep: Sweep) -> None:
    code, summary = sweep("model=svm", "hydra/sweeper=grid", "model.C=choice(1)", tiny=DATA)
    assert code == 2
    assert (
        summary["trials"][0]["reason"] == "SVC gives no probabilities and so no loss: try hydra.sweeper.metric=val/acc"
    )


def test_ctrl_c_says_how_to_go_on(
    sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks.py").write_text(NETWORKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("INTERRUPT", "2")
    code, summary = sweep(*OWN, "hydra/sweeper=grid", "model.width=1,2")
    assert code == 130
    assert summary["counts"] == {"completed": 1, "interrupted": 1}
    out = capsys.readouterr().out
    again = next(
        line for line in out.splitlines() if line.startswith("search stopped: 1 completed, 1 interrupted of 2")
    )
    monkeypatch.delenv("INTERRUPT")
    assert main(shlex.split(again.partition("to go on: ")[2])[2:]) == 0
    out = capsys.readouterr().out
    assert "trials  2 completed of 2" in out
    assert [f"\ntrial {number}:" in out for number in range(3)] == [False, False, True]


def test_a_killed_search_goes_on(sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "networks.py").write_text(NETWORKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    words = [*OWN, "hydra/sweeper=grid", "model.width=1,2"]
    process = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "train.py"), "-m", *TINY, *words, "hydra.sweep.dir=sweep"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{tmp_path}", "SLEEP": "2"},
    )
    while process.poll() is None and not (tmp_path / "asleep").is_file():
        time.sleep(0.05)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    code, summary = sweep(*words)
    assert code == 0
    assert summary["counts"] == {"completed": 2}
    assert [(trial["number"], trial["again"]) for trial in summary["trials"]] == [(0, None), (2, 1)]
