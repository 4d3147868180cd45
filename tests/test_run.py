"""One command trains, and leaves a run that can be trusted, evaluated, used and repeated."""

import csv
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, confusion_matrix

from lit_tricks.commandline.entry import main
from lit_tricks.data import DigitsDataModule
from lit_tricks.errors import UserError
from lit_tricks.evaluate import evaluate_run
from lit_tricks.predict import predict_files

REPOSITORY = Path(__file__).resolve().parents[1]
FILES = {
    "config.yaml",
    "results.json",
    "metrics.csv",
    "predictions.npz",
    "mistakes.csv",
    "mistakes.npz",
    "layers.json",
    "diagnosis.json",
    "report.html",
    "checkpoints/best.ckpt",
    "checkpoints/last.ckpt",
    "figures/confusion_matrix.png",
    "figures/drives.png",
    "figures/first_batch.png",
    "figures/layers.png",
    "figures/learning_curves.png",
    "figures/misclassified.png",
    "figures/outputs.png",
    "figures/network.png",
}


def run(folder: Path, *arguments: str) -> Path:
    assert main([*arguments, f"hydra.run.dir={folder}"]) == 0
    return folder


def results_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("runs") / "finished", "+experiment=dropout")


def test_the_first_command_reaches_95_percent_and_leaves_a_complete_directory(finished: Path) -> None:
    results = results_of(finished)
    assert results["status"] == "completed"
    assert results["metrics"]["test/acc"] >= 0.95
    assert results["experiment"] == ["dropout"]
    assert results["n_params"] == 64 * 128 + 128 + 128 * 10 + 10
    assert results["epochs"] == 20
    assert results["steps"] == 20 * math.ceil(1294 / 32)
    found = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    events = {name for name in found if "tfevents" in name}
    assert found - events - {".lock"} == FILES
    assert {Path(name).parent.name for name in events} == {"", "train", "val", "test"}


def test_results_agree_with_scikit_learn_on_the_stored_predictions(finished: Path) -> None:
    results = results_of(finished)
    stored = np.load(finished / "predictions.npz", allow_pickle=False)
    predicted = stored["probabilities"].argmax(1)
    assert results["metrics"]["test/acc"] == pytest.approx(accuracy_score(stored["targets"], predicted))
    assert results["confusion_matrix"] == confusion_matrix(stored["targets"], predicted).tolist()


def test_metrics_csv_has_a_row_per_epoch(finished: Path) -> None:
    rows = list(csv.DictReader((finished / "metrics.csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == list(range(20))
    assert {"train/loss", "train/acc", "val/loss", "val/acc", "lr", "epoch_seconds"} <= rows[0].keys()
    final = results_of(finished)["metrics"]
    assert float(rows[-1]["val/loss"]) == pytest.approx(final["val/loss"], rel=1e-5)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_evaluating_the_checkpoint_gives_the_same_metrics_to_the_last_bit(finished: Path, split: str) -> None:
    expected = {name: value for name, value in results_of(finished)["metrics"].items() if name.startswith(split)}
    assert evaluate_run(str(finished), split) == expected


def test_predicting_the_test_images_gives_the_stored_probabilities(finished: Path, tmp_path: Path) -> None:
    datamodule = DigitsDataModule()
    datamodule.setup("test")
    np.savez(tmp_path / "new.npz", x=datamodule.test.x.numpy())
    assert predict_files(str(finished), str(tmp_path / "new.npz"), str(tmp_path / "out.csv")) == 359
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    stored = np.load(finished / "predictions.npz")["probabilities"]
    assert [int(row["class"]) for row in rows] == stored.argmax(1).tolist()
    np.testing.assert_allclose([float(row["probability"]) for row in rows], stored.max(1), atol=1e-6)
    second = np.sort(stored, axis=1)[:, -2]
    np.testing.assert_allclose([float(row["second_probability"]) for row in rows], second, atol=1e-6)
    with pytest.raises(UserError, match="predict never overwrites"):
        predict_files(str(finished), str(tmp_path / "new.npz"), str(tmp_path / "out.csv"))


def test_predicting_a_folder_of_pictures_recognises_them(finished: Path, tmp_path: Path) -> None:
    images, labels = load_digits(return_X_y=True)
    (tmp_path / "pictures").mkdir()
    for position in range(10):
        pixels = (images[position].reshape(8, 8) * 255 / 16).round().astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{position}.png")
    predict_files(str(finished), str(tmp_path / "pictures"), str(tmp_path / "out.csv"))
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert sum(int(row["class"]) == labels[i] for i, row in enumerate(rows)) >= 9


def test_the_checkpoint_holds_primitives_and_normalises_for_itself(finished: Path) -> None:
    content = torch.load(finished / "checkpoints" / "last.ckpt", weights_only=True)
    assert content["hyper_parameters"]["data_spec"]["name"] == "digits"
    assert torch.allclose(content["state_dict"]["normaliser.scale"], torch.tensor(1 / 16))


def test_the_same_seed_gives_the_same_metrics_to_the_last_bit(tmp_path: Path) -> None:
    words = ["+experiment=[dropout,batchnorm]", "seed=0", "trainer.max_epochs=2", "logger=none"]
    first = results_of(run(tmp_path / "first", *words))["metrics"]
    assert results_of(run(tmp_path / "second", *words))["metrics"] == first
    other = results_of(run(tmp_path / "third", *words, "seed=1"))["metrics"]
    assert other != first


def test_early_stopping_evaluates_the_best_weights(tmp_path: Path) -> None:
    words = ["+experiment=early_stopping", "optimizer=sgd", "optimizer.lr=1.5", "trainer.max_epochs=40", "logger=none"]
    results = results_of(run(tmp_path / "run", *words))
    assert results["checkpoint"] == "checkpoints/best.ckpt"
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").read_text().splitlines()))
    losses = [float(row["val/loss"]) for row in rows]
    assert len(losses) < 40
    assert results["metrics"]["val/loss"] == pytest.approx(min(losses), rel=1e-5)


def test_the_stored_configuration_is_resolved(finished: Path) -> None:
    config = yaml.safe_load((finished / "config.yaml").read_text())
    assert config["model"]["dropout"] == 0.3
    assert Path(config["data_dir"]).is_absolute()
    assert config["resume"] is None


def test_two_runs_in_one_folder_do_not_touch_each_other(tmp_path: Path) -> None:
    words = ["trainer.max_epochs=1", "logger=none"]
    run(tmp_path / "run", *words)
    before = (tmp_path / "run" / "results.json").read_bytes()
    run(tmp_path / "run", *words, "seed=3")
    assert (tmp_path / "run" / "results.json").read_bytes() == before
    assert results_of(tmp_path / "run-2")["seed"] == 3


def test_a_failed_run_says_so_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["optimizer=sgd", "optimizer.lr=1e12", f"hydra.run.dir={tmp_path / 'run'}"]
    assert main(words) == 2
    assert "the training loss must stay finite" in capsys.readouterr().err
    results = results_of(tmp_path / "run")
    assert results["status"] == "failed"
    assert "the training loss must stay finite" in results["reason"]


def test_multirun_leaves_complete_directories_and_survives_a_failing_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["trainer.max_epochs=1", "logger=none", "optimizer=sgd", f"hydra.sweep.dir={tmp_path}"]
    assert main(["-m", "optimizer.lr=0.1,1e30,0.2", "seed=5", "+experiment=dropout", *words]) == 2
    assert "1 of 3 jobs failed" in capsys.readouterr().err
    status = [results_of(tmp_path / str(job))["status"] for job in range(3)]
    assert status == ["completed", "failed", "completed"]
    assert {results_of(tmp_path / str(job))["metrics"]["test/acc"] > 0.1 for job in (0, 2)} == {True}


def test_a_run_without_validation_trains_and_evaluates(tmp_path: Path) -> None:
    results = results_of(run(tmp_path / "run", "data.val_size=0", "trainer.max_epochs=1", "logger=none"))
    assert {name.split("/")[0] for name in results["metrics"]} == {"train", "test"}


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "64-true"])
def test_evaluation_repeats_to_the_last_bit_in_any_precision(precision: str, tmp_path: Path) -> None:
    folder = run(tmp_path / "run", f"trainer.precision={precision}", "trainer.max_epochs=1", "logger=none")
    expected = {name: value for name, value in results_of(folder)["metrics"].items() if name.startswith("test")}
    assert evaluate_run(str(folder)) == expected


def test_callbacks_none_saves_nothing_and_says_so(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", "callbacks=none", "trainer.max_epochs=1", "logger=none")
    assert not (folder / "checkpoints").exists()
    assert results_of(folder)["checkpoint"] is None
    with pytest.raises(UserError, match=r"holds no last\.ckpt \(completed: no checkpoint was kept\)"):
        evaluate_run(str(folder))


def test_a_table_run_is_used_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = load_digits(return_X_y=True)
    np.savetxt(tmp_path / "digits.csv", np.column_stack([images, labels])[:300], delimiter=",", fmt="%d")
    monkeypatch.chdir(tmp_path)
    folder = run(tmp_path / "run", "data=csv", "data.path=digits.csv", "trainer.max_epochs=1", "logger=none")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert evaluate_run(str(folder))["test/acc"] == results_of(folder)["metrics"]["test/acc"]


def test_a_strangers_run_directory_cannot_reach_outside(finished: Path, tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    shutil.copytree(finished, evil)
    results = {**results_of(evil), "checkpoint": "/etc/../../outside.ckpt"}
    (evil / "results.json").write_text(json.dumps(results))
    with pytest.raises(UserError, match=r"holds no outside\.ckpt"):
        evaluate_run(str(evil))
    config = (evil / "config.yaml").read_text()
    (evil / "config.yaml").write_text(config.replace("dropout: 0.3", "dropout: ${oc.env:HOME}"))
    with pytest.raises(UserError, match="holds values, no interpolations"):
        evaluate_run(str(evil))
    allowed = config.replace("lit_tricks.models.MLP", "stranger.Net")
    (evil / "config.yaml").write_text(allowed.replace("allow_targets: []", "allow_targets: [stranger]"))
    with pytest.raises(UserError, match=r"stranger\.Net"):
        evaluate_run(str(evil))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["scheduler=plateau", "scheduler.monitor=val/f1", "scheduler.mode=max"],
            "scheduler.monitor must be one of val/loss",
        ),
        (
            ["callbacks.checkpoint.monitor=val/f1", "callbacks.checkpoint.mode=max"],
            "callbacks.checkpoint.monitor must be a metric",
        ),
    ],
)
def test_a_metric_that_nobody_logs_is_refused(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "trainer.max_epochs=1", "logger=none", f"hydra.run.dir={tmp_path / 'run'}"]) == 2
    assert message in capsys.readouterr().err
    assert results_of(tmp_path / "run")["status"] == "failed"


def test_the_loss_of_lbfgs_is_that_of_each_batch_s_first_evaluation(tmp_path: Path) -> None:
    words = ["optimizer=lbfgs", "batch_size=2000", "trainer.max_epochs=2", "logger=none"]
    folder = run(tmp_path / "run", *words)
    rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    assert float(rows[0]["train/loss"]) == pytest.approx(math.log(10), abs=0.1)


def test_the_terminal_shows_what_matters_and_nothing_else(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(REPOSITORY / "train.py"),
        "trainer.max_epochs=2",
        f"hydra.run.dir={tmp_path / 'run'}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=240, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("digits: 10 classes, 1,294 training, 144 validation, 359 test examples")
    assert lines[1] == "steps: in stretches"
    assert lines[2].split() == ["training", "validation", "test"]
    assert [line.split(" | ")[0] for line in done.stderr.splitlines()] == ["epoch 1/2", "epoch 2/2"]


def test_a_run_without_a_training_batch_says_so(tmp_path: Path) -> None:
    results = results_of(run(tmp_path / "run", "trainer.limit_train_batches=0", "logger=none"))
    assert (results["steps"], results["ended"]) == (0, "without a step")
