"""Runs whose answers are corrected after training: what is measured, kept, evaluated again and predicted."""

import csv
import json
import logging
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from lit_tricks.after_training import build_correction, shown_prior
from lit_tricks.build import build_datamodule, build_module
from lit_tricks.commandline.entry import main
from lit_tricks.data import BatchLoader, MoonsDataModule
from lit_tricks.errors import UserError
from lit_tricks.evaluate import evaluate_run
from lit_tricks.predict import predict_files
from tests.test_contract import composed

# noise that a wide network learns by heart, so that it is surer than it is right
SHORT = ["logger=none", "trainer=cpu", "threads=1", "trainer.enable_progress_bar=false"]
TWO = [*SHORT, "data=moons", "data.n_samples=2400", "data.noise=0.4", "data.val_size=0.3", "imbalance=two_class"]
WORDS = ("prior", "temperature", "threshold")
ALL = f"+experiment=[{','.join(f'after_training/{word}' for word in WORDS)}]"


def run(folder: Path, *arguments: str) -> dict[str, Any]:
    assert main([*arguments, f"hydra.run.dir={folder}"]) == 0
    return json.loads((folder / "results.json").read_text())


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> str:
    assert main([*arguments, f"hydra.run.dir={folder}"]) == 2
    return capsys.readouterr().err


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def plain(folder: Path) -> dict[str, Any]:
    return run(folder / "plain", *TWO, "pictures=false")


@pytest.fixture(scope="module")
def corrected(folder: Path) -> dict[str, Any]:
    return run(folder / "corrected", *TWO, ALL)


def test_the_uncorrected_metrics_are_those_of_the_same_run_without(plain, corrected) -> None:
    assert "uncorrected" not in plain
    assert "correction" not in plain
    for key in ("metrics", "per_class", "confusion_matrix"):
        assert corrected["uncorrected"][key] == plain[key]
        assert corrected[key] != plain[key]


def test_the_file_holds_what_was_applied(folder, corrected) -> None:
    kept = json.loads((folder / "corrected" / "correction.json").read_text())
    assert kept == corrected["correction"]
    assert kept["evidence"]["prior"]["learned"] == pytest.approx([0.9, 0.1], abs=1e-3)
    assert kept["evidence"]["prior"]["target"] == pytest.approx([0.5, 0.5], abs=1e-2)
    assert kept["positive"] == 1


def test_metrics_agree_with_scikit_learn_on_what_is_answered(folder, corrected) -> None:
    stored = np.load(folder / "corrected" / "predictions.npz", allow_pickle=False)
    threshold = corrected["correction"]["threshold"]
    assert np.array_equal(stored["predicted"], (stored["probabilities"][:, 1] >= threshold).astype(int))
    assert not np.array_equal(stored["predicted"], stored["probabilities"].argmax(1))
    assert corrected["confusion_matrix"] == confusion_matrix(stored["targets"], stored["predicted"]).tolist()
    rows = list(csv.DictReader((folder / "corrected" / "mistakes.csv").read_text().splitlines()))
    wrong = np.flatnonzero(stored["predicted"] != stored["targets"])
    assert sorted(int(row["example"]) for row in rows) == wrong.tolist()


def test_validation_finds_the_share_that_was_asked_for(corrected) -> None:
    chosen = corrected["correction"]["evidence"]["threshold"]
    assert chosen["recall"] >= 0.9
    assert corrected["metrics"]["test/gmean"] > corrected["uncorrected"]["metrics"]["test/gmean"] + 0.1


def test_evaluate_gives_the_corrected_metrics(folder, corrected) -> None:
    for split in ("val", "test"):
        again = evaluate_run(str(folder / "corrected"), split)
        assert again == {name: value for name, value in corrected["metrics"].items() if name.startswith(split)}


def test_predict_answers_by_the_threshold(folder, corrected, tmp_path) -> None:
    points = np.random.default_rng(0).normal(0.3, 1.0, (300, 2)).astype(np.float32)
    np.savez(tmp_path / "new.npz", x=points)
    predict_files(str(folder / "corrected"), str(tmp_path / "new.npz"), str(tmp_path / "out.csv"))
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    names = list(corrected["data"]["class_counts"])
    lower = [float(row["probability" if row["class"] == names[1] else "second_probability"]) for row in rows]
    answered = [row["class"] == names[1] for row in rows]
    assert answered == [value >= corrected["correction"]["threshold"] for value in lower]
    assert any(float(row["probability"]) < float(row["second_probability"]) for row in rows)
    assert all(row["class"] != row["second_class"] for row in rows)


def test_the_page_and_the_pictures_show_it(folder, corrected) -> None:
    page = (folder / "corrected" / "report.html").read_text()
    assert "Corrected after training" in page
    assert "uncorrected</th>" in page
    assert (folder / "corrected" / "figures" / "reliability.png").is_file()
    assert (folder / "corrected" / "figures" / "precision_recall.png").is_file()


def test_a_run_whose_correction_was_lost_or_damaged_says_so(folder, corrected, tmp_path) -> None:
    copy = shutil.copytree(folder / "corrected", tmp_path / "copy")
    (copy / "correction.json").write_text("{}")
    with pytest.raises(UserError, match=r"correction.json must be what the run wrote; it cannot be read \(KeyError\)"):
        evaluate_run(str(copy))
    (copy / "correction.json").unlink()
    with pytest.raises(UserError, match=r"a run with a correction keeps it in correction\.json"):
        evaluate_run(str(copy))


@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
def test_temperature_calibrates_a_network_that_is_too_sure(loss, tmp_path) -> None:
    found = run(
        tmp_path / "run", *SHORT, "pictures=false", f"loss={loss}", "data.val_size=0.4", "data.train_size=150",
        "optimizer.lr=0.02", "model.hidden=[256]", "trainer.max_epochs=40", "data.shuffled_labels=0.3",
        "+experiment=after_training/temperature",
    )  # fmt: skip
    after, before = found["metrics"], found["uncorrected"]["metrics"]
    assert found["correction"]["temperature"] > 1.5
    assert after["test/loss"] < 0.9 * before["test/loss"]
    assert after["test/brier"] < before["test/brier"]
    assert after["test/ece_macro"] < before["test/ece_macro"]
    assert after["test/acc"] == before["test/acc"]
    assert found["correction"]["evidence"]["temperature"]["nll_after"] == pytest.approx(after["val/loss"], rel=1e-4)


@pytest.mark.parametrize("loss", ["cross_entropy", "bce", "mse"])
def test_equal_priors_raise_the_balanced_accuracy_of_a_long_tail(loss, tmp_path) -> None:
    found = run(
        tmp_path / "run", *SHORT, "pictures=false", f"loss={loss}", "imbalance=long_tail", "imbalance.factor=60",
        "+experiment=after_training/logit_adjustment", "trainer.max_epochs=12",
    )  # fmt: skip
    name = "test/balanced_acc"
    assert found["metrics"][name] > found["uncorrected"]["metrics"][name] + 0.03


LOSSES = {
    "sampler=balanced": [0.5, 0.5],
    "sampler=oversample": [0.5, 0.5],
    "loss.class_weights=inverse": [0.5, 0.5],
    "loss.class_weights=[1,3]": [0.75, 0.25],
    "loss=balanced_softmax": [0.5, 0.5],
    "loss=cross_entropy": [0.9, 0.1],
}


@pytest.mark.parametrize("word", LOSSES)
def test_what_was_learned_counts_sampler_weights_and_loss(word) -> None:
    cfg = composed("data=moons", "imbalance=two_class", "batch_size=20", word)
    datamodule, spec, normaliser = build_datamodule(cfg)
    found = shown_prior(build_module(cfg, spec, normaliser), datamodule, 3)
    assert found == pytest.approx(LOSSES[word], abs=0.01)


class MadeUp(MoonsDataModule):
    """Trains on more examples than it has."""

    def train_dataloader(self) -> BatchLoader:
        twice = self.train.take(np.arange(2 * len(self.train)) % len(self.train))
        return BatchLoader(twice, self.batch_size, self.make_sampler(labels=twice.y))


def test_made_up_examples_have_no_prior_to_correct() -> None:
    cfg = composed("data=moons", "correction.prior=natural")
    datamodule = MadeUp()
    datamodule.setup("fit")
    module = build_module(cfg, datamodule.spec, datamodule.normaliser)
    with pytest.raises(UserError, match=r"correction\.prior needs training examples as the data has them"):
        build_correction(cfg, module, datamodule)
    cfg.correction.update({"prior": "none", "temperature": True})
    assert build_correction(cfg, module, datamodule)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data.val_size=0", "correction.temperature=true"], "fitted on validation; this run has none"),
        (["data.val_split=test", "correction.prior=natural"], "fitted on examples that do not test it"),
        (["correction.threshold=f1"], "correction.threshold needs two classes; this data has 10"),
        (["correction.prior=[0.5,0.5]"], "must have one share per class; received 2 for 10 classes"),
        (["loss=mse", "loss.output=identity", "correction.temperature=true"], "needs outputs through a softmax or"),
        (["model=svm", "correction.temperature=true"], "model=svm is fitted at once and reads no correction"),
        (
            ["+experiment=after_training/temperature", "model=svm"],
            "reads no correction; received \\+experiment=after_training/temp",
        ),
        (["study=activations", "correction.temperature=true"], "reads no correction"),
        (
            ["+experiment=[after_training/prior,after_training/logit_adjustment]"],
            "prior and after_training/logit_adjustment cannot both have correction.prior",
        ),
        (["correction.prior=[0.5,0.6]", "data=moons"], "of sum 1; received"),
    ],
)
def test_what_cannot_be_corrected_is_refused_before_training(words, message, tmp_path, capsys) -> None:
    error = refused(capsys, tmp_path / "run", "logger=none", *words)
    assert len(error.strip().splitlines()) == 1
    assert re.search(message, error), error


def told(caplog: pytest.LogCaptureFixture, *words: str) -> list[str]:
    cfg = composed("data=moons", *words)
    datamodule, spec, normaliser = build_datamodule(cfg)
    caplog.set_level(logging.INFO, logger="lit_tricks")
    build_correction(cfg, build_module(cfg, spec, normaliser), datamodule)
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith("correction:")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["correction.temperature=true"], []),
        (["correction.temperature=true", "imbalance=two_class"], ["10.0 % of what the network learns and 50.0 %"]),
        (["correction.temperature=true", "sampler=balanced", "imbalance=two_class"], []),
        (["correction.threshold=cost", "imbalance=two_class", "correction.prior=natural"], []),
        (["correction.temperature=true", "imbalance=two_class", "imbalance.splits=all"], ["is thinned as training"]),
        (
            ["correction.threshold=f1", "imbalance=two_class", "imbalance.splits=all", "sampler=balanced"],
            ["is thinned as training", "50.0 % of what the network learns and 90"],
        ),
    ],
)
def test_other_class_shares_in_validation_are_told(words, said, caplog) -> None:
    lines = told(caplog, *words)
    assert len(lines) == len(said)
    for line, part in zip(lines, said, strict=True):
        assert part in line


FOREIGN = """
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Points(pl.LightningDataModule):
    def _loader(self, count, seed):
        generator = torch.Generator().manual_seed(seed)
        y = (torch.rand(count, generator=generator) < 0.2).long()
        return DataLoader(TensorDataset(torch.randn(count, 2, generator=generator) + y[:, None], y), batch_size=50)

    def train_dataloader(self):
        return self._loader(600, 0)

    def val_dataloader(self):
        return self._loader(400, 1)

    def test_dataloader(self):
        return self._loader(400, 2)
"""


@pytest.mark.filterwarnings("ignore:The '.*_dataloader' does not have many workers")
def test_data_that_is_not_ours_is_corrected_as_well(tmp_path, monkeypatch) -> None:
    (tmp_path / "own_points.py").write_text(FOREIGN)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = run(
        tmp_path / "run", *SHORT, "pictures=false", "data=custom", "data._target_=own_points.Points",
        "allow_targets=[own_points]", "trainer.max_epochs=3", ALL, "correction.min_recall=0.8",
    )  # fmt: skip
    assert found["correction"]["evidence"]["threshold"]["recall"] >= 0.8
    assert sum(found["correction"]["evidence"]["class_counts"]) == 400
