"""Augmentation in whole runs: composed by words, in training only, told apart in the figures."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from training import make_module, make_trainer

from lit_tricks.build import build
from lit_tricks.callbacks import CleanTraining
from lit_tricks.commandline.entry import main
from lit_tricks.data import DigitsDataModule
from lit_tricks.data.augmentation import Augmentation, MixUp
from lit_tricks.evaluate import evaluate_run
from lit_tricks.objectives import BinaryCrossEntropy, CrossEntropy, SquaredError
from lit_tricks.run_directory import RunDirectory

CONF = Path(__file__).resolve().parents[1] / "conf"
SHORT = ["logger=none", "data.train_size=400", "trainer.max_epochs=2"]

pytestmark = pytest.mark.filterwarnings("ignore:The number of training batches")


class Outcome:
    """What training alone leaves, without the pictures of a whole run."""

    def __init__(self, folder: Path, *words: str) -> None:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            cfg = compose("config", [*SHORT, "trainer.enable_progress_bar=false", *words])
        built = build(cfg, RunDirectory.claim(folder))
        torch.manual_seed(3)
        built.trainer.fit(built.module, datamodule=built.datamodule)
        self.weights = torch.cat([value.double().flatten() for value in built.module.state_dict().values()])
        self.metrics = {name: float(value) for name, value in built.trainer.callback_metrics.items()}
        self.metrics.pop("epoch_seconds")


def test_words_and_experiments_stack_and_leave_figures_and_clean_curves(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ["augmentation=flip_crop", "+experiment=[mixup,random_erasing,augmentation]", "logger=tensorboard"]
    assert main([*SHORT, *words, f"hydra.run.dir={folder}"]) == 0
    results = json.loads((folder / "results.json").read_text())
    assert results["stepping"] == "stretches"
    assert (folder / "figures" / "augmentation.png").is_file()
    rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    assert all(float(row["train_clean/loss"]) < float(row["train/loss"]) for row in rows)
    # the restored network is built without augmentation, and evaluates to the last bit as it did in its run
    tested = {name: value for name, value in results["metrics"].items() if name.startswith("test")}
    assert evaluate_run(str(folder)) == tested


def test_a_neutral_word_trains_as_none_does(tmp_path: Path) -> None:
    none = Outcome(tmp_path / "none", "+experiment=dropout")
    neutral = Outcome(tmp_path / "neutral", "+experiment=[dropout,mixup]", "augmentation.mixup.alpha=0")
    assert torch.equal(none.weights, neutral.weights)
    assert none.metrics == neutral.metrics


def test_augmentation_leaves_dropouts_draws_alone(tmp_path: Path) -> None:
    none = Outcome(tmp_path / "none", "+experiment=dropout")
    identity = Outcome(tmp_path / "identity", "+experiment=dropout", "+augmentation.mine={_target_:torch.nn.Identity}")
    assert torch.equal(none.weights, identity.weights)
    assert identity.metrics.keys() - none.metrics.keys() == {"train_clean/loss", "train_clean/acc"}


def test_a_module_of_kornias_is_named_on_the_command_line(tmp_path: Path) -> None:
    blur = "+augmentation.blur={_target_:kornia.augmentation.RandomGaussianBlur,kernel_size:[3,3],sigma:[0.1,2.0]}"
    none, one = Outcome(tmp_path / "none"), Outcome(tmp_path / "one", blur)
    other = Outcome(tmp_path / "other", blur, "stepping=single")
    assert torch.equal(one.weights, other.weights)
    assert not torch.equal(one.weights, none.weights)


@pytest.mark.parametrize("words", [["data=moons"], ["data=breast_cancer", "augmentation.mixup.alpha=1.0"]])
def test_mixup_works_on_tables(words: list[str], tmp_path: Path) -> None:
    outcome = Outcome(tmp_path / "run", "augmentation=mixup", "data.train_size=null", "trainer.max_epochs=5", *words)
    assert outcome.metrics["train_clean/acc"] > 0.8
    assert outcome.metrics["train_clean/loss"] < outcome.metrics["train/loss"]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("objective", [CrossEntropy, BinaryCrossEntropy, SquaredError])
def test_every_loss_learns_from_mixed_classes(objective: type, smoothing: float, tmp_path: Path) -> None:
    datamodule = DigitsDataModule(batch_size=32)
    module = make_module(datamodule)
    module.objective = objective(10, label_smoothing=smoothing)
    module.augmentation = Augmentation({"mixup": MixUp(10, alpha=1.0)}, 0, datamodule.spec.value_range)
    trainer = make_trainer(tmp_path, 3)
    trainer.fit(module, datamodule=datamodule)
    assert float(trainer.callback_metrics["val/acc"]) > 0.5


def test_training_alone_is_augmented(tmp_path: Path) -> None:
    datamodule = DigitsDataModule(batch_size=64)
    module = make_module(datamodule)
    module.augmentation = Augmentation({"mixup": MixUp(10, alpha=1.0)}, 0, datamodule.spec.value_range)
    trainer = make_trainer(tmp_path, 1)
    trainer.fit(module, datamodule=datamodule)
    logged = dict(trainer.callback_metrics)
    module.augmentation = None
    (plain,) = trainer.validate(module, datamodule=datamodule, verbose=False)
    assert plain == {name: pytest.approx(float(logged[name])) for name in plain}


def test_the_clean_sample_is_a_view_however_large_the_data_is(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((200, 3, 4, 4)).astype(np.float32))
    np.save(tmp_path / "y.npy", np.arange(200) % 2)
    data = ["data=npy", f"data.path={tmp_path}", "augmentation=flip_crop"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        built = build(compose("config", [*SHORT[:1], *data]), RunDirectory.claim(tmp_path / "run"))
    (watch,) = (callback for callback in built.callbacks if isinstance(callback, CleanTraining))
    sample = watch.loader.examples
    assert len(sample) == len(built.datamodule.val)
    assert sample.inputs.data_ptr() == built.datamodule.train.inputs.data_ptr()
    assert set(sample.rows.tolist()) <= set(built.datamodule.train.rows.tolist())
