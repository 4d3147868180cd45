"""The first answer of a network under init.bias=prior, and the training figures that are comparable with validation."""

import csv
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir

from lit_tricks.build import build, build_datamodule, build_module
from lit_tricks.commandline.entry import main
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.run_directory import RunDirectory

BASE = ["data=moons", "imbalance=two_class", "trainer=cpu", "logger=none", "trainer.max_epochs=2"]
PRIOR = torch.tensor([0.9, 0.1]).log()


def composed(*words: str):
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("config", [*BASE, *words])


@pytest.mark.parametrize(
    ("words", "bias"),
    [
        (["loss=cross_entropy"], PRIOR),
        (["loss=ldam"], PRIOR / 30),
        (["loss=balanced_softmax"], torch.zeros(2)),
        (["loss=logit_adjustment", "loss.tau=0.25"], 0.75 * PRIOR),
        (["loss=logit_adjustment", "loss.tau=2"], -PRIOR),
        (["loss.class_weights=inverse"], torch.zeros(2)),
        (["loss=bce"], torch.tensor([9.0, 1 / 9]).log()),
    ],
)
def test_the_bias_is_what_the_loss_asks_for(words, bias) -> None:
    cfg = composed("init=zeros", "init.bias=prior", *words)
    _, spec, normaliser = build_datamodule(cfg)
    assert spec.class_counts[0] == 9 * spec.class_counts[1]
    module = build_module(cfg, spec, normaliser)
    found = module.network.output.bias.detach()
    # a softmax knows no constant
    shift = (found - bias).mean() if module.objective.link == "softmax" else 0.0
    torch.testing.assert_close(found - shift, bias, rtol=1e-5, atol=1e-6)


def test_the_prior_is_the_constant_that_trains_best() -> None:
    for words in (["loss=logit_adjustment", "loss.tau=0.25"], ["loss.class_weights=[3,1]"], ["loss=balanced_softmax"]):
        cfg = composed("init=zeros", "init.bias=prior", *words)
        _, spec, normaliser = build_datamodule(cfg)
        module = build_module(cfg, spec, normaliser)
        drives = module.network.output.bias.detach().clone().requires_grad_()
        target = torch.arange(2).repeat_interleave(torch.tensor(spec.class_counts))
        module.objective.train()(drives.expand(len(target), 2), target).backward()
        torch.testing.assert_close(drives.grad, torch.zeros(2), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("words", "watched"),
    [
        (["loss=cross_entropy"], False),
        (["loss=ldam"], True),
        (["loss=focal"], True),
        (["loss=balanced_softmax"], True),
        (["loss.class_weights=inverse"], True),
        (["loss.label_smoothing=0.1"], True),
        (["loss=ldam", "data.val_size=0"], False),
    ],
)
def test_clean_training_figures_exist_where_the_training_loss_is_another(words, watched, tmp_path: Path) -> None:
    built = build(composed(*words), RunDirectory.claim(tmp_path / "run"))
    assert any(type(callback).__name__ == "CleanTraining" for callback in built.callbacks) == watched


def test_the_clean_loss_is_the_evaluated_one(tmp_path: Path) -> None:
    words = ["loss=ldam", "pictures=false", "data.val_size=0.5"]
    assert main([*BASE, *words, f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    last = list(csv.DictReader((tmp_path / "run" / "metrics.csv").read_text().splitlines()))[-1]
    # margins alone add up to s · .5 to the loss of a rare example
    assert float(last["train/loss"]) > 1.5 * float(last["train_clean/loss"])
