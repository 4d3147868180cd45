"""A study runs through the one command and leaves a run directory like any other."""

import csv
import json
import math
import sys
from pathlib import Path

import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lit_tricks.cli import main as cli
from lit_tricks.commandline.entry import main
from lit_tricks.errors import UserError
from lit_tricks.evaluate import evaluate_run
from lit_tricks.predict import predict_files
from lit_tricks.resume import plan_resumption

FILES = {
    "config.yaml",
    "results.json",
    "metrics.csv",
    "diagnosis.json",
    "report.html",
    "figures/paths.png",
    "figures/paths_together.png",
    "figures/progress.png",
}
WORDS = ["+experiment=lecture/d1_optimizer_race", "study.only=[sgd,adam]", "study.steps=5"]


def run(folder: Path, *arguments: str) -> Path:
    assert main([*arguments, f"hydra.run.dir={folder}"]) == 0
    return folder


def results_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def race(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("runs") / "race", *WORDS)


def test_the_run_directory_is_complete(race: Path) -> None:
    found = {str(path.relative_to(race)) for path in race.rglob("*") if path.is_file()}
    assert {name for name in found if "tfevents" not in name} - {".lock"} == FILES
    results = results_of(race)
    assert (results["status"], results["reason"], results["seed"]) == ("completed", None, 0)
    assert results["experiment"] == ["lecture/d1_optimizer_race"]
    assert results["overrides"] == WORDS
    assert results["words"] == {"study": "optimizer_race", "logger": "tensorboard"}
    assert results["seconds"].keys() == {"build", "study", "report"}
    assert results["finding"].startswith("After 5 steps ")
    assert "torch" in results["versions"]
    assert json.loads((race / "diagnosis.json").read_text()) == {"diagnoses": [], "checks": []}


def test_metrics_csv_has_a_row_a_step_that_ends_at_the_metrics(race: Path) -> None:
    rows = list(csv.DictReader((race / "metrics.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == list(range(6))
    assert float(rows[-1]["adam/distance"]) == results_of(race)["metrics"]["adam/distance"]
    assert rows[0]["adam/lr"] == ""


def test_the_configuration_holds_what_a_study_reads_and_nothing_of_a_classifier(race: Path) -> None:
    config = yaml.safe_load((race / "config.yaml").read_text())
    assert set(config) == {"study", "logger", "seed", "threads", "allow_targets"}
    assert config["study"]["contenders"]["adam"]["optimizer"]["lr"] == 0.2


def test_tensorboard_shows_the_curves_and_the_pictures(race: Path) -> None:
    events = EventAccumulator(str(race)).Reload()
    tags = events.Tags()
    assert set(tags["images"]) == {"paths", "paths_together", "progress"}
    curve = [event.value for event in events.Scalars("adam/loss")]
    rows = list(csv.DictReader((race / "metrics.csv").read_text().splitlines()))
    assert curve == pytest.approx([float(row["adam/loss"]) for row in rows])
    assert [event.step for event in events.Scalars("adam/nearest")] == [5]


def test_the_page_and_the_terminal_show_the_finding(
    race: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (race / "report.html").read_text()
    results = results_of(race)
    assert f"<h1>{results['finding']}</h1>" in page
    assert '<th scope="col">nearest step</th>' in page
    assert f"<td>{results['metrics']['adam/distance']:.4f}</td>" in page
    assert "Nothing was examined: no check applies to this run." in page
    assert "computed in" in page
    assert "&#x27;study.only=[sgd,adam]&#x27;" in page
    run(tmp_path / "again", *WORDS, "logger=none")
    shown = capsys.readouterr().out
    assert "distance" in shown
    assert "doctor" not in shown


@pytest.mark.parametrize("row", ["b1_slow_learning", "c2_activations"])
def test_the_same_seed_finds_the_same(row: str, tmp_path: Path) -> None:
    words = [f"+experiment=lecture/{row}", "logger=none", "seed=7"]
    if row == "b1_slow_learning":
        words.append("study.epochs=3")
    first, second = (run(tmp_path / name, *words) for name in ("first", "second"))
    assert (first / "metrics.csv").read_bytes() == (second / "metrics.csv").read_bytes()
    assert results_of(first)["metrics"] == results_of(second)["metrics"]
    for picture in (first / "figures").iterdir():
        assert picture.read_bytes() == (second / "figures" / picture.name).read_bytes()


def test_what_diverges_has_no_figure_and_no_cell(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", "study=learning_rate_sweep", "study.rates=[0.01,0.045]", "study.steps=9")
    assert results_of(folder)["metrics"]["lr_0.045/distance"] is None
    rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    assert rows[-1]["lr_0.045/loss"] == ""
    assert float(rows[-1]["lr_0.01/loss"]) > 0


def test_a_study_without_rows_writes_no_table_and_logs_its_figures(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", "study=network_diagram", "study.model.hidden=[3]")
    assert not (folder / "metrics.csv").exists()
    assert EventAccumulator(str(folder)).Reload().Scalars("network/parameters")[0].value == 784 * 3 + 3 + 3 * 10 + 10
    page = (folder / "report.html").read_text()
    assert '<th scope="row">in all</th>' in page
    assert "<td>(batch, 3)</td>" in page


def test_a_failing_study_says_so_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["study=optimizer_race", "study.only=[lion]", f"hydra.run.dir={tmp_path / 'run'}"]
    assert main(words) == 2
    assert "received lion" in capsys.readouterr().err
    results = results_of(tmp_path / "run")
    assert results["status"] == "failed"
    assert "received lion" in results["reason"]


def test_a_sweep_runs_a_study_per_choice(tmp_path: Path) -> None:
    words = ["study.epochs=1", "study.only=[kinder_start]", "logger=none", f"hydra.sweep.dir={tmp_path}"]
    assert main(["-m", "study=slow_learning", "seed=0,1", *words]) == 0
    first, second = (results_of(tmp_path / str(job)) for job in range(2))
    assert (first["status"], second["status"]) == ("completed", "completed")
    assert first["metrics"] != second["metrics"]


def test_a_study_cannot_be_resumed_evaluated_or_used(race: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = (
        r"must have trained a classifier.* holds a study \(lit_tricks\.studies\.OptimizerRace\): run the study again"
    )
    with pytest.raises(UserError, match=message):
        plan_resumption(str(race), [])
    with pytest.raises(UserError, match=message):
        evaluate_run(str(race))
    with pytest.raises(UserError, match=message):
        predict_files(str(race), "new.npz", str(race / "out.csv"))
    before = (race / "results.json").read_bytes()
    commands = [
        ["train", f"resume={race}"],
        ["evaluate", f"run={race}"],
        ["predict", f"run={race}", "input=x", "output=y"],
    ]
    for command in commands:
        assert cli(command) == 2
        err = capsys.readouterr().err
        assert "run the study again" in err
        assert len(err.splitlines()) == 1
    assert (race / "results.json").read_bytes() == before


OWN = """
from lit_tricks.report.style import new_figure
from lit_tricks.studies import Findings, Study


class Coin(Study):
    def __init__(self, tosses: int) -> None:
        self.tosses = tosses

    def run(self, seed: int) -> Findings:
        return Findings(f"{self.tosses} tosses", {"tosses": self.tosses}, {"coin": new_figure(2, 1)})


class NoStudy:
    pass
"""


def test_a_users_own_study_runs_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "coins.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    allowed = ["allow_targets=[coins]", "logger=none"]
    folder = run(tmp_path / "run", "study._target_=coins.Coin", "study.tosses=3", *allowed)
    results = results_of(folder)
    assert (results["finding"], results["metrics"], results["study"]) == ("3 tosses", {"tosses": 3}, "custom")
    assert "<h1>3 tosses</h1>" in (folder / "report.html").read_text()
    assert main(["study._target_=coins.NoStudy", *allowed, f"hydra.run.dir={tmp_path / 'other'}"]) == 2
    assert "study._target_ must be a Study; received NoStudy" in capsys.readouterr().err
    sys.modules.pop("coins")


def test_a_classifiers_run_draws_and_counts_its_dense_network(tmp_path: Path) -> None:
    words = ["model.hidden=[5]", "trainer.max_epochs=1", "data.train_size=100", "logger=none"]
    folder = run(tmp_path / "dense", *words)
    results = results_of(folder)
    assert [layer["kind"] for layer in results["layers"]] == ["Linear", "ReLU", "Linear"]
    assert sum(layer["weights"] + layer["biases"] for layer in results["layers"]) == results["n_params"]
    assert (folder / "figures" / "network.png").is_file()
    page = (folder / "report.html").read_text()
    assert "<h2>Network</h2>" in page
    assert f"<td>{64 * 5:,}</td><td>5</td>" in page
    other = run(tmp_path / "cnn", "model=cnn", "model.channels=[2]", *words)
    assert results_of(other)["layers"] is None
    assert not (other / "figures" / "network.png").exists()
    assert "<h2>Network</h2>" not in (other / "report.html").read_text()
    assert math.isfinite(results_of(other)["metrics"]["test/loss"])
