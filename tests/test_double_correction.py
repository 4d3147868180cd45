"""What favours rare classes twice is warned of, once alone is not."""

import json
import logging
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from lit_tricks.build import build
from lit_tricks.commandline.entry import main
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.run_directory import RunDirectory

BASE = ["data=moons", "imbalance=two_class", "logger=none", "trainer=cpu"]


def warned(tmp_path: Path, caplog: pytest.LogCaptureFixture, *words: str) -> list[str]:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("config", [*BASE, *words])
    build(cfg, RunDirectory.claim(tmp_path / "run"))
    return [record.getMessage() for record in caplog.records if "favour rare" in record.getMessage()]


@pytest.mark.parametrize(
    ("words", "both"),
    [
        (["sampler=balanced", "loss.class_weights=inverse"], "loss.class_weights=inverse and sampler=balanced both"),
        (["sampler=oversample", "loss=balanced_softmax"], "logit adjustment and sampler=oversample both"),
        (["sampler=undersample", "loss=logit_adjustment"], "logit adjustment and sampler=undersample both"),
        (
            ["sampler=weighted", "loss=balanced_softmax", "loss.class_weights=inverse"],
            "loss.class_weights=inverse, logit adjustment and sampler=weighted all",
        ),
        (["loss=balanced_softmax", "loss.class_weights=[1,9]"], "loss.class_weights=[1, 9] and logit adjustment both"),
    ],
)
def test_two_corrections_are_warned_of(words, both, tmp_path, caplog) -> None:
    caplog.set_level(logging.WARNING, logger="lit_tricks")
    (message,) = warned(tmp_path, caplog, *words)
    assert message.startswith(f"{both} favour rare classes")


@pytest.mark.parametrize("word", ["sampler=balanced", "loss.class_weights=inverse", "loss=ldam", "loss=focal"])
def test_one_correction_is_not(word, tmp_path, caplog) -> None:
    assert not warned(tmp_path, caplog, word)


@pytest.mark.parametrize(
    "words",
    [
        ["sampler=balanced", "loss.class_weights=inverse", "imbalance=none"],
        ["sampler=weighted", "sampler.power=0", "loss.class_weights=inverse"],
        ["sampler=tomek", "loss.class_weights=inverse"],
        ["sampler=balanced", "loss.class_weights=[2,2]"],
        ["sampler=balanced", "loss=balanced_softmax", "loss.tau=0"],
    ],
)
def test_what_corrects_nothing_is_not(words, tmp_path, caplog) -> None:
    assert not warned(tmp_path, caplog, *words)


def test_the_results_record_what_rebalances(tmp_path) -> None:
    words = [*BASE, "loss=balanced_softmax", "trainer.max_epochs=1", "pictures=false"]
    assert main([*words, f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    assert json.loads((tmp_path / "run" / "results.json").read_text())["rebalances"] == ["logit adjustment"]
