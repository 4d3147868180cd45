"""The run that follows a range test is the run whose rate was set by hand, and stays so when it is resumed."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from omegaconf import DictConfig

from lit_tricks import rate_search
from lit_tricks import run as run_module
from lit_tricks.callbacks.lr_finder import RangeTest
from lit_tricks.commandline.entry import main

WORDS = ["scheduler=one_cycle", "optimizer=momentum", "logger=none", "trainer.max_epochs=2", "batch_size=64"]
TRICKS = "dropout,batchnorm"


def results_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


def config_of(folder: Path) -> dict:
    return yaml.safe_load((folder / "config.yaml").read_text())


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "searched"
    assert main([*WORDS, f"+experiment=[lr_finder,{TRICKS}]", f"hydra.run.dir={folder}"]) == 0
    return folder


def test_the_run_is_bit_for_bit_the_one_whose_rate_was_set_by_hand(searched: Path, tmp_path: Path) -> None:
    lr = results_of(searched)["lr_finder"]["lr"]
    assert lr == config_of(searched)["optimizer"]["lr"] != 0.01
    folder = tmp_path / "by_hand"
    words = [*WORDS, f"+experiment=[{TRICKS}]", f"optimizer.lr={lr!r}"]
    assert main([*words, f"hydra.run.dir={folder}"]) == 0
    found, set_by_hand = (
        torch.load(place / "checkpoints" / "last.ckpt", weights_only=True) for place in (searched, folder)
    )
    assert found["state_dict"].keys() == set_by_hand["state_dict"].keys()
    for name, value in set_by_hand["state_dict"].items():
        assert torch.equal(found["state_dict"][name], value), name
    one, other = (checkpoint["optimizer_states"][0] for checkpoint in (found, set_by_hand))
    assert one["param_groups"] == other["param_groups"]
    assert all(
        torch.equal(one["state"][key]["momentum_buffer"], state["momentum_buffer"])
        for key, state in other["state"].items()
    )
    assert torch.equal(found["callbacks"]["RandomState"]["torch"], set_by_hand["callbacks"]["RandomState"]["torch"])
    assert results_of(searched)["metrics"] == results_of(folder)["metrics"]


def test_what_was_found_is_recorded_and_drawn(searched: Path) -> None:
    results = results_of(searched)
    found = results["lr_finder"]
    assert found["lr"] == found[found["suggestion"]] == found["steepest"]
    assert 1e-4 < found["valley"] < found["steepest"] < 1
    assert results["seconds"]["lr_finder"] > 0
    assert (searched / "figures" / "lr_finder.png").is_file()
    assert config_of(searched)["callbacks"]["lr_finder"] is None


@pytest.fixture
def resumptions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[DictConfig, dict]]:
    """Return what resumed runs would train; a search is a mistake, and nothing is trained."""
    found: list[tuple[DictConfig, dict]] = []

    def no_search(*_: object) -> None:
        raise AssertionError("searched again")

    monkeypatch.setattr(run_module, "settle_rate", no_search)
    monkeypatch.setattr(run_module, "_train_built", lambda plan, built, facts: found.append((plan.config, facts)))
    return found


def test_a_continued_run_does_not_search_again(
    searched: Path, resumptions: list[tuple[DictConfig, dict]], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(searched, folder)
    assert main([f"resume={folder}", "trainer.max_epochs=3"]) == 0
    ((config, facts),) = resumptions
    assert facts["lr_finder"] == results_of(searched)["lr_finder"]
    assert config.optimizer.lr == facts["lr_finder"]["lr"]


def test_a_run_killed_between_search_and_first_checkpoint_keeps_its_rate(
    searched: Path, resumptions: list[tuple[DictConfig, dict]], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(searched, folder, ignore=shutil.ignore_patterns("checkpoints"))
    results = {name: results_of(searched)[name] for name in ("overrides", "words", "lr_finder")}
    (folder / "results.json").write_text(json.dumps({**results, "status": "failed"}))
    assert main([f"resume={folder}"]) == 0
    ((config, facts),) = resumptions
    assert facts["lr_finder"] == results["lr_finder"]
    assert config.optimizer.lr == facts["lr_finder"]["lr"]


def test_rate_and_record_are_kept_before_training_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(run_module, "build", killed)
    assert main([*WORDS, "+experiment=lr_finder", f"hydra.run.dir={tmp_path / 'run'}"]) == 1
    assert config_of(tmp_path / "run")["optimizer"]["lr"] == results_of(tmp_path / "run")["lr_finder"]["lr"]


@pytest.fixture
def tests_made(monkeypatch: pytest.MonkeyPatch) -> list[RangeTest]:
    """Return the range tests that were made; nothing is drawn, and nothing trained after them."""
    found: list[RangeTest] = []
    monkeypatch.setattr(rate_search, "_draw", lambda result, *_: found.append(result))
    monkeypatch.setattr(run_module, "_train_built", lambda *_: None)
    return found


def test_the_test_sees_the_batches_that_training_will_see(tests_made: list[RangeTest], tmp_path: Path) -> None:
    for tricks in ("lr_finder", "lr_finder,mixup"):
        assert main([*WORDS, f"+experiment=[{tricks}]", f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    plain, mixed = tests_made
    # mixed targets cannot be learned as well as clean ones
    assert min(mixed.levels) > min(plain.levels) + 0.1


def test_a_bigger_batch_is_searched_with_and_its_rate_not_scaled(tests_made: list[RangeTest], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert main([*WORDS, "+experiment=[lr_finder,bigger_batch]", f"hydra.run.dir={folder}"]) == 0
    config = config_of(folder)
    assert (config["batch_size"], config["lr_scaling"]) == (256, "none")
    assert config["optimizer"]["lr"] == tests_made[0].steepest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["optimizer=lbfgs"], "cannot be used with optimizer=lbfgs, which takes its steps from a line search"),
        (["scheduler=one_cycle", "scheduler.max_lr=0.1"], "scheduler.max_lr, which takes the place of the rate"),
        (["trainer=ddp_cpu"], "a range test runs in one process; this run has 2"),
        (["callbacks.lr_finder.min_lr=20"], "callbacks.lr_finder.min_lr must not exceed callbacks.lr_finder.max_lr"),
        (
            ["callbacks.lr_finder.min_lr=1e-9", "callbacks.lr_finder.max_lr=1e-8"],
            "between 1e-09 and 1e-08 the loss fell nowhere by more than its noise",
        ),
    ],
)
def test_what_cannot_be_is_said(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["+experiment=lr_finder", *words, "logger=none", f"hydra.run.dir={tmp_path / 'run'}"]) == 2
    assert message in capsys.readouterr().err
