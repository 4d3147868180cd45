"""What favours rare classes twice is warned of, once alone is not."""

import logging
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from lit_tricks.build import build
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
        (["sampler=balanced", "loss.class_weights=inverse"], "loss.class_weights=inverse and the sampler"),
        (["sampler=oversample", "loss=balanced_softmax"], "logit adjustment and the sampler"),
        (["loss=balanced_softmax", "loss.class_weights=[1,9]"], "loss.class_weights=[1, 9] and logit adjustment"),
    ],
)
def test_two_corrections_are_warned_of(words, both, tmp_path, caplog) -> None:
    caplog.set_level(logging.WARNING, logger="lit_tricks")
    (message,) = warned(tmp_path, caplog, *words)
    assert message.startswith(f"{both} all favour rare classes")


@pytest.mark.parametrize("word", ["sampler=balanced", "loss.class_weights=inverse", "loss=ldam", "loss=focal"])
def test_one_correction_is_not(word, tmp_path, caplog) -> None:
    assert not warned(tmp_path, caplog, word)
