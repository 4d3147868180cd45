"""A classical classifier goes through the same command, splits, run directory and results as a network."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_lightning import LightningDataModule
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC
from torch.utils.data import DataLoader, TensorDataset

from lit_tricks import classical_run
from lit_tricks.commandline.entry import main
from lit_tricks.data import BreastCancerDataModule, DigitsDataModule, MoonsDataModule
from lit_tricks.data.datamodule import ArrayDataModule
from lit_tricks.data.normalise import Normaliser
from lit_tricks.errors import UserError
from lit_tricks.evaluate import evaluate_run
from lit_tricks.predict import predict_files
from lit_tricks.restore import restore

WORDS = ["svm", "svm_grid", "logistic_regression", "majority", "nearest_neighbours", "random_forest"]


def run(folder: Path, *arguments: str) -> Path:
    assert main([*arguments, "threads=1", f"hydra.run.dir={folder}"]) == 0
    return folder


def results_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


def arrays(datamodule: ArrayDataModule, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a split as a network would see it, flat, with its labels."""
    datamodule.setup()
    examples = getattr(datamodule, split)
    return datamodule.normaliser(examples.x).flatten(1).numpy(), examples.y.numpy()


@pytest.fixture(scope="module")
def svm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("runs") / "svm", "model=svm", "model.C=5")


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("runs") / "grid", "model=svm_grid", "data=moons", "logger=none")


def test_an_svm_is_that_of_scikit_learn_on_the_same_arrays(svm: Path) -> None:
    datamodule = DigitsDataModule()
    by_hand = SVC(C=5).fit(*arrays(datamodule, "train"))
    results = results_of(svm)
    for split in ("train", "val", "test"):
        inputs, labels = arrays(datamodule, split)
        assert results["metrics"][f"{split}/acc"] == by_hand.score(inputs, labels)
        assert results["metrics"][f"{split}/loss"] is None
    decisions = by_hand.decision_function(inputs)
    expected = np.mean([roc_auc_score(labels == k, decisions[:, k]) for k in range(10)])
    assert results["metrics"]["test/auroc"] == pytest.approx(expected, abs=1e-6)
    assert results["support_vectors"] == len(by_hand.support_vectors_)


def test_its_run_directory_is_complete(svm: Path) -> None:
    found = {str(path.relative_to(svm)) for path in svm.rglob("*") if path.is_file()}
    events = {name for name in found if "tfevents" in name}
    assert {Path(name).parent.name for name in events} == {"", "test"}
    assert found - events - {".lock"} == {
        "config.yaml", "results.json", "predictions.npz", "mistakes.csv", "mistakes.npz", "diagnosis.json",
        "report.html", "checkpoints/model.skops", "figures/confusion_matrix.png", "figures/misclassified.png",
    }  # fmt: skip
    results = results_of(svm)
    assert (results["status"], results["checkpoint"]) == ("completed", "checkpoints/model.skops")
    assert (results["estimator"], results["probabilistic"]) == ("SVC", False)
    assert (results["epochs"], results["steps"], results["threads"]) == (None, None, 1)
    assert results["words"] == {"data": "digits", "imbalance": "none", "model": "svm", "logger": "tensorboard"}
    assert {"build", "fit", "evaluate", "report"} <= results["seconds"].keys()
    page = (svm / "report.html").read_text()
    assert "digits with svm, seed 0" in page
    assert "weights of" not in page


def test_predicting_the_test_images_gives_the_stored_answers_and_no_probabilities(svm: Path, tmp_path: Path) -> None:
    datamodule = DigitsDataModule()
    datamodule.setup()
    np.savez(tmp_path / "new.npz", x=datamodule.test.x.numpy())
    predict_files(str(svm), str(tmp_path / "new.npz"), str(tmp_path / "out.csv"))
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    stored = np.load(svm / "predictions.npz")["probabilities"]
    assert [int(row["class"]) for row in rows] == stored.argmax(1).tolist()
    assert [int(row["second_class"]) for row in rows] == np.argsort(-stored, kind="stable")[:, 1].tolist()
    assert {row["probability"] + row["second_probability"] for row in rows} == {""}


@pytest.mark.parametrize("word", WORDS)
def test_evaluating_the_checkpoint_gives_the_same_metrics_to_the_last_bit(word: str, tmp_path: Path) -> None:
    folder = run(tmp_path / "run", f"model={word}", "data=moons", "data.n_samples=300", "logger=none")
    metrics = results_of(folder)["metrics"]
    for split in ("train", "val", "test"):
        expected = {name: value for name, value in metrics.items() if name.startswith(split)}
        assert evaluate_run(str(folder), split) == expected


def test_a_grid_search_is_that_of_scikit_learn_and_leaves_its_table(grid: Path) -> None:
    datamodule = MoonsDataModule(normalise="standard")
    lists = {"C": [0.5, 5, 50, 500], "gamma": [2, 1, 0.5, 0.25]}
    by_hand = GridSearchCV(SVC(), lists, cv=3).fit(*arrays(datamodule, "train"))
    results = results_of(grid)
    assert results["search"] == {
        "best": by_hand.best_params_, "score": by_hand.best_score_, "scoring": "accuracy", "folds": 3,
        "candidates": 16,
    }  # fmt: skip
    assert results["metrics"]["test/acc"] == by_hand.score(*arrays(datamodule, "test"))
    rows = list(csv.DictReader((grid / "search.csv").read_text().splitlines()))
    assert [float(row["accuracy_mean"]) for row in rows] == by_hand.cv_results_["mean_test_score"].tolist()
    assert {path.stem for path in (grid / "figures").iterdir()} == {
        "confusion_matrix", "decision_regions", "misclassified", "search",
    }  # fmt: skip


def test_probabilities_and_loss_are_those_of_scikit_learn(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "run", "model=random_forest", "data=moons", "model.n_estimators=20", "seed=3", "logger=none"
    )
    datamodule = MoonsDataModule(normalise="standard", seed=3)
    by_hand = RandomForestClassifier(20, random_state=3).fit(*arrays(datamodule, "train"))
    inputs, labels = arrays(datamodule, "test")
    stored = np.load(folder / "predictions.npz")["probabilities"]
    np.testing.assert_allclose(stored, by_hand.predict_proba(inputs), atol=1e-6)
    metrics = results_of(folder)["metrics"]
    assert metrics["test/acc"] == by_hand.score(inputs, labels)
    assert metrics["test/loss"] == pytest.approx(log_loss(labels, by_hand.predict_proba(inputs)), rel=1e-5)


def test_the_majority_is_right_as_often_as_it_occurs_and_the_doctor_says_what_is_wrong(tmp_path: Path) -> None:
    words = ["model=majority", "data=breast_cancer", "data.malignant_share=0.2", "data.test_size=0.4", "logger=none"]
    folder = run(tmp_path / "run", *words)
    datamodule = BreastCancerDataModule(malignant_share=0.2, test_size=0.4, val_size=0.2)
    _, labels = arrays(datamodule, "test")
    results = results_of(folder)
    assert results["metrics"]["test/acc"] == pytest.approx((labels == 1).mean())
    assert results["metrics"]["test/balanced_acc"] == 0.5
    (diagnosis,) = json.loads((folder / "diagnosis.json").read_text())["diagnoses"]
    assert diagnosis["symptom"] == "majority_collapse"
    mended = results_of(run(tmp_path / "mended", *diagnosis["prescription"].split(), *words[1:]))
    assert mended["per_class"]["malignant"]["recall"] > 0.8


def test_any_classifier_of_scikit_learn_is_a_target(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "run",
        "model._target_=sklearn.ensemble.VotingClassifier",
        "model.estimators=[[a,{_target_:sklearn.naive_bayes.GaussianNB}],[b,{_target_:sklearn.svm.LinearSVC}]]",
        "logger=none",
    )
    results = results_of(folder)
    assert results["estimator"] == "VotingClassifier"
    assert results["metrics"]["test/acc"] > 0.8
    assert evaluate_run(str(folder))["test/acc"] == results["metrics"]["test/acc"]


def test_a_run_that_cannot_be_stored_keeps_its_results_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["model._target_=sklearn.neighbors.KNeighborsClassifier", "data=moons", "logger=none"]
    folder = run(tmp_path / "run", *words)
    assert "KNeighborsClassifier keeps no checkpoint" in capsys.readouterr().out
    assert results_of(folder)["checkpoint"] is None
    with pytest.raises(UserError, match="no checkpoint was kept"):
        restore(str(folder))


def test_a_complete_run_has_nothing_to_resume(svm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"resume={svm}"]) == 2
    assert "was fitted at once and is complete: start a new run" in capsys.readouterr().err


def test_a_stopped_run_is_fitted_when_it_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(classical_run, "fit_estimator", stop)
        words = ["model=svm", "data=moons", "logger=none", "threads=1"]
        assert main([*words, f"hydra.run.dir={tmp_path / 'run'}"]) == 130
    assert results_of(tmp_path / "run")["status"] == "stopped"
    assert main([f"resume={tmp_path / 'run'}"]) == 0
    assert results_of(tmp_path / "run")["status"] == "completed"


class Foreign(LightningDataModule):
    """A data module of a user's own: images in batches of any size."""

    def train_dataloader(self) -> DataLoader:
        images = torch.arange(5 * 4, dtype=torch.uint8).view(5, 1, 2, 2)
        return DataLoader(TensorDataset(images, torch.arange(5) % 2), batch_size=3)


def test_a_users_data_module_is_read_whole() -> None:
    inputs, labels = classical_run.training_arrays(Foreign(), Normaliser.empty((1, 2, 2)))
    assert inputs.dtype == np.float32
    np.testing.assert_array_equal(inputs, np.arange(20).reshape(5, 4))
    assert labels.tolist() == [0, 1, 0, 1, 0]


def test_a_restored_classifier_answers_but_does_not_train(svm: Path) -> None:
    module = restore(str(svm)).module
    datamodule = DigitsDataModule()
    datamodule.setup()
    answers = module(datamodule.test.x[:20]).argmax(1)
    assert torch.equal(answers, datamodule.test.y[:20])
    with pytest.raises(UserError, match="nothing to train in steps"):
        module.configure_optimizers()


def test_a_multirun_holds_networks_and_classical_classifiers(tmp_path: Path) -> None:
    words = ["-m", "model=majority,linear", "data=moons", "data.n_samples=100", "logger=none"]
    assert main([*words, "threads=1", f"hydra.sweep.dir={tmp_path}"]) == 0
    majority, network = (results_of(tmp_path / str(job)) for job in (0, 1))
    assert majority["data"] == network["data"]
    assert majority["metrics"].keys() == network["metrics"].keys()
    assert majority["metrics"]["test/acc"] < network["metrics"]["test/acc"]
    assert (tmp_path / "1" / "figures" / "decision_regions.png").is_file()
