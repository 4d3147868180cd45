"""Every YAML of every group composes, builds, trains a step, stores a loadable checkpoint and is in the help."""

import importlib.util
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from sklearn.datasets import load_digits

from lit_tricks.accelerators import check_accelerator
from lit_tricks.build import build
from lit_tricks.classical_run import fit_classical
from lit_tricks.cli import main as cli
from lit_tricks.commandline.entry import main
from lit_tricks.commandline.study import is_study
from lit_tricks.errors import UserError
from lit_tricks.evaluate import evaluate_run
from lit_tricks.run_directory import RunDirectory
from lit_tricks.targets import is_classical

CONF = Path(__file__).resolve().parents[1] / "conf"
WORDS = sorted(
    (path.parent.relative_to(CONF).as_posix(), path.stem)
    for path in CONF.rglob("*.yaml")
    if path.parent != CONF and not path.stem.startswith("_")
)
ABSENT = {
    name
    for name, present in {
        "gpu": torch.cuda.is_available() or torch.backends.mps.is_available(),
        "mps": torch.backends.mps.is_available(),
        "tpu": importlib.util.find_spec("torch_xla") is not None,
    }.items()
    if not present
}
ONE_STEP = ["trainer.max_epochs=1", "trainer.limit_train_batches=2", "logger=none", "trainer.enable_progress_bar=false"]


CUSTOM = {
    "model": ["model._target_=lit_tricks.models.MLP", "+model.hidden=[8]", "data.train_size=200"],
    "data": ["data._target_=lit_tricks.data.MoonsDataModule", "+data.n_samples=200"],
}


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", [*ONE_STEP, *overrides])


@pytest.fixture(scope="module")
def user_data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a table, an array file and a folder of pictures made from the digits."""
    folder = tmp_path_factory.mktemp("data")
    images, labels = load_digits(return_X_y=True)
    pixels = images.reshape(-1, 8, 8).astype(np.uint8)
    np.savetxt(folder / "digits.csv", np.column_stack([images, labels])[:400], delimiter=",", fmt="%d")
    np.savez(folder / "digits.npz", x=pixels, y=labels)
    (folder / "digits").mkdir()
    np.save(folder / "digits" / "x.npy", pixels)
    np.save(folder / "digits" / "y.npy", labels)
    for position in range(200):
        place = folder / "pictures" / f"digit {labels[position]}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[position] * 15).save(place / f"{position}.png")
    names = {"csv": "digits.csv", "npz": "digits.npz", "npy": "digits", "image_folder": "pictures"}
    return {word: folder / name for word, name in names.items()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with the weights of the default network."""
    folder = tmp_path_factory.mktemp("runs") / "source"
    assert main([*ONE_STEP, f"hydra.run.dir={folder}"]) == 0
    return folder


def needs(group: str, word: str, request: pytest.FixtureRequest) -> list[str]:
    """Return what a word cannot do without."""
    if (group, word) in {("data", "mnist"), ("data", "fashion_mnist")}:
        return ["data.train_size=500"]
    if word == "custom":
        return CUSTOM[group]
    if group == "data" and word in {"csv", "npz", "npy", "image_folder"}:
        return [f"data.path='{request.getfixturevalue('user_data')[word]}'"]
    if group == "transfer" or word in ("transfer", "classifier_retraining"):
        return ["data.train_size=200", f"transfer.source='{request.getfixturevalue('trained')}'"]
    if word == "c10_transfer":
        # the sweep trains its source first
        return ["data.train_size=0.1", "batch_size=16", "transfer.source=null"]
    if group == "imbalance":
        return ["data=moons", *(["imbalance.counts=[90,10]"] if word == "counts" else [])]
    if (group, word) == ("experiment/after_training", "threshold"):
        return ["data.train_size=200", "data.classes=[0,1]"]
    if word.startswith("a4_"):
        # half of MNIST would keep an SVM busy for minutes
        return ["data.train_size=500"]
    if group == "experiment/lecture":
        # some of their data sets are small and some of their batches large
        return ["data.train_size=0.5", "batch_size=16"]
    return ["data.train_size=200"]


def check_study_runs(choice: str, folder: Path) -> None:
    """Run a study, which trains nothing, and look at what it leaves."""
    assert main([choice, "logger=none", f"hydra.run.dir={folder}"]) == 0
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results["status"] == "completed"
    assert results["metrics"]
    assert results["finding"] in (folder / "report.html").read_text(encoding="utf-8")
    assert list((folder / "figures").glob("*.png"))
    assert (folder / "metrics.csv").exists() == (results["study"] != "network_diagram")


@pytest.mark.filterwarnings("ignore:The number of training batches")
@pytest.mark.parametrize(("group", "word"), WORDS, ids=[f"{group}={word}" for group, word in WORDS])
def test_word_composes_builds_and_trains(
    group: str, word: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = "+" if group.startswith("experiment") else ""
    cfg = composed(f"{prefix}{group}={word}", *needs(group, word, request))
    if "MNIST" in cfg.data._target_:
        monkeypatch.setenv("LIT_TRICKS_DATA", str(request.getfixturevalue("data_root")))
    if is_study(cfg):
        check_study_runs(f"{prefix}{group}={word}", tmp_path / "run")
        return
    if group == "trainer":
        if cfg.trainer.accelerator in ABSENT:
            with pytest.raises(UserError, match="was not found"):
                check_accelerator(cfg.trainer)
            return
        if cfg.trainer.devices not in ("auto", 1) or cfg.trainer.strategy != "auto":
            pytest.skip("several processes are started by tests/test_processes.py")
    directory = RunDirectory.claim(tmp_path / "run")
    if is_classical(cfg.model._target_):
        check_classical_run(cfg, directory)
        return
    built = build(cfg, directory)
    before = torch.cat([p.detach().flatten().clone() for p in built.module.network.parameters()])
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.WARNING)
    built.trainer.fit(built.module, datamodule=built.datamodule)
    after = torch.cat([p.detach().flatten() for p in built.module.network.parameters()])
    # an incomplete group of accumulated batches at the end of the epoch makes a step of its own
    assert built.trainer.global_step == max(1, 2 // cfg.trainer.accumulate_grad_batches)
    assert torch.isfinite(after).all()
    assert not torch.equal(before, after), f"{group}={word} trained nothing"
    if cfg.callbacks:
        assert "state_dict" in torch.load(directory.last_checkpoint, weights_only=True)


def check_classical_run(cfg: DictConfig, directory: RunDirectory) -> None:
    """Fit what has no steps: it must answer, and its checkpoint must answer the same."""
    facts: dict[str, Any] = {"seconds": {}, "words": {}, "experiment": []}
    content: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True)  # type: ignore[assignment]
    directory.write_config(content)
    fit_classical(cfg, content, directory, facts)
    found = directory.read_results()
    assert found["status"] == "completed"
    assert found["metrics"]["test/acc"] >= 0.1
    assert evaluate_run(str(directory.path))["test/acc"] == found["metrics"]["test/acc"]


def test_every_word_is_in_the_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) <= 100
    monkeypatch.setenv("COLUMNS", "200")
    # the sentences that the help has no room for stand here
    assert cli(["list"]) == 0
    listed = capsys.readouterr().out
    for group, word in WORDS:
        lines = (CONF / group / f"{word}.yaml").read_text(encoding="utf-8").splitlines()
        # Hydra reads its own header only where nothing stands before it
        sentence = next(line for line in lines if not line.startswith("# @"))
        assert sentence.startswith("# "), f"{group}/{word}.yaml needs its sentence on the first line"
        # of a shelf with more words than the help has room for it says where they are listed
        assert word in shown or group == "experiment/lecture", f"{group}={word} is not in the help"
        assert " ".join(sentence[2:].split()) in " ".join(listed.split()), f"{group}={word} lacks its sentence"
