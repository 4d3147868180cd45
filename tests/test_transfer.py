"""Transfer learning through the command: from a run's weights to another run, resumed, evaluated and swept."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

from lit_tricks.commandline.entry import main
from lit_tricks.evaluate import evaluate_run

QUICK = ["logger=none", "trainer.enable_progress_bar=false", "batch_size=64"]
LOWER, UPPER = "data.classes=[0,1,2,3,4]", "data.classes=[5,6,7,8,9]"


def results_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "source"
    assert main([*QUICK, LOWER, "trainer.max_epochs=5", "data.normalise=standard", f"hydra.run.dir={folder}"]) == 0
    return folder


def test_a_run_says_and_records_what_it_reused(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)
    words = ["+experiment=transfer", "transfer=frozen", "transfer.source=source", UPPER, "trainer.max_epochs=1"]
    assert main([*QUICK, *words, f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("transfer from")] == [
        "transfer from source: reused layers.0.linear; new output; frozen layers.0.linear; "
        "inputs scaled by the source's statistics"
    ]
    record = results_of(tmp_path / "run")["transfer"]
    assert record["reused"] == ["layers.0.linear"]
    assert record["new"] == ["output"]
    assert record["begins"] == {"layers.0.linear": None, "output": 0}
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert config["transfer"]["source"] == str(source.resolve())
    before, after = weights_of(source), weights_of(tmp_path / "run")
    moved = {name for name in after if not torch.equal(before[name], after[name])}
    assert moved == {"network.output.weight", "network.output.bias"}


def test_a_resumed_run_is_the_undivided_one_and_needs_no_source(source: Path, tmp_path: Path) -> None:
    gone = shutil.copytree(source, tmp_path / "gone")
    # the layer thaws in the second epoch, with step 12
    words = [UPPER, "transfer=gradual", f"transfer.source={gone}", "trainer.max_epochs=4"]
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert main([*QUICK, *words, "trainer.max_steps=30", f"hydra.run.dir={whole}"]) == 0
    assert main([*QUICK, *words, "trainer.max_steps=15", f"hydra.run.dir={part}"]) == 0
    shutil.rmtree(gone)
    assert main([f"resume={part}", "trainer.max_steps=30"]) == 0
    continued = tmp_path / "part-continued"
    assert results_of(continued)["transfer"] == results_of(whole)["transfer"]
    assert results_of(continued)["metrics"] == results_of(whole)["metrics"]
    assert evaluate_run(str(whole))["test/acc"] == results_of(whole)["metrics"]["test/acc"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["transfer=frozen"], "transfer.source has no value"),
        (["transfer.source=nowhere", "transfer=frozen"], "transfer.source must be a run directory"),
        (["transfer=gradual", "transfer.source=nowhere", "optimizer=lbfgs"], "optimizer=lbfgs knows one rate"),
        (["transfer.body_lr=0.5"], "transfer=none has no body_lr"),
        (["transfer=fine_tuned", "transfer.source=nowhere", "transfer.body_lr=2"], "transfer.body_lr must be"),
    ],
)
def test_mistakes_are_told(words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "logger=none", f"hydra.run.dir={tmp_path / 'run'}"]) == 2
    assert message in capsys.readouterr().err


def test_a_classical_run_is_no_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "classical"
    assert main(["model=majority", "logger=none", f"hydra.run.dir={folder}"]) == 0
    words = ["transfer=frozen", f"transfer.source={folder}", "logger=none", f"hydra.run.dir={tmp_path / 'run'}"]
    assert main(words) == 2
    assert "must be a network's run" in capsys.readouterr().err


SWEEP = [
    "-m",
    *QUICK,
    UPPER,
    "trainer.max_epochs=1",
    "+hydra.callbacks.pretraining._target_=lit_tricks.pretraining.Pretraining",
    "hydra.callbacks.comparison.over=data.train_size",
]


def test_a_multirun_trains_its_source_first_and_draws_accuracy_over_examples(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    own = f"+hydra.callbacks.pretraining.overrides=['{LOWER}','trainer.max_epochs=3']"
    swept = ["transfer=none,frozen", "data.train_size=20,100", "seed=0,1"]
    place = f"transfer.source={sweep}/source/run"
    assert main([*SWEEP, own, *swept, place, f"hydra.sweep.dir={sweep}"]) == 0
    before = results_of(sweep / "source" / "run")
    assert list(before["data"]["class_counts"]) == list("01234")
    assert before["epochs"] == 3
    rows = list(csv.DictReader((sweep / "comparison.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 8
    assert {row["status"] for row in rows} == {"completed"}
    assert rows[0]["group"] == "transfer=none, data.train_size=20"
    frozen = [results_of(sweep / row["run"]) for row in rows if "frozen" in row["group"]]
    assert {tuple(each["transfer"]["reused"]) for each in frozen} == {("layers.0.linear",)}
    with Image.open(sweep / "comparison.png") as picture:
        assert picture.size == (1275, 720)


def test_a_source_that_fails_starts_no_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = tmp_path / "sweep"
    own = "+hydra.callbacks.pretraining.overrides=['optimizer=sgd','optimizer.lr=1e12']"
    swept = ["transfer=none,frozen", f"transfer.source={sweep}/source/run", f"hydra.sweep.dir={sweep}"]
    assert main([*SWEEP, own, *swept]) == 2
    assert "in the run before the jobs: the training loss must stay finite" in capsys.readouterr().err
    assert not (sweep / "0").exists()
    assert "must stay finite" in results_of(sweep / "source" / "run")["reason"]
