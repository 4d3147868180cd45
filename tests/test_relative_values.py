"""Factors refer to the user's own numbers, are carried out once, and train what the products would."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from lit_tricks.commandline.entry import main
from lit_tricks.relative_values import carried_out

CONF = Path(__file__).resolve().parents[1] / "conf"
WORDS = ["optimizer=sgd", "data.train_size=200", "logger=none", "trainer.enable_progress_bar=false"]


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", list(overrides))


def values(cfg: DictConfig) -> tuple[int, int, float]:
    return cfg.batch_size, cfg.trainer.max_epochs, cfg.optimizer.lr


@pytest.mark.parametrize(
    ("words", "batch_size", "epochs", "lr"),
    [
        (["+experiment=baseline"], 32, 20, 0.001),
        (["+experiment=more_epochs", "trainer.max_epochs=7"], 32, 21, 0.001),
        (["epoch_factor=0.01"], 32, 1, 0.001),
        (["+experiment=bigger_batch", "batch_size=10"], 40, 20, 0.002),
        (["+experiment=bigger_batch", "optimizer=sgd", "optimizer.lr=0.2"], 128, 20, 0.8),
        (["+experiment=bigger_batch", "optimizer=sgd", "lr_scaling=sqrt"], 128, 20, 0.2),
        (["+experiment=bigger_batch", "lr_scaling=none"], 128, 20, 0.001),
        (["+experiment=smaller_batch", "optimizer=momentum"], 8, 20, 0.0025),
        # 2.5 is no batch; the rate follows the batch that there is
        (["+experiment=smaller_batch", "optimizer=sgd", "batch_size=10"], 2, 20, 0.02),
        (["+experiment=[bigger_batch,accumulation]", "optimizer=sgd"], 128, 20, 1.6),
        (["+experiment=[bigger_batch,more_epochs]", "batch_factor=2", "epoch_factor=2"], 64, 40, 0.001 * 2**0.5),
        (["batch_size=256", "optimizer=sgd", "lr_scaling=linear", "base_batch_size=64"], 256, 20, 0.4),
        (["trainer=ddp_cpu", "optimizer=sgd", "lr_scaling=linear"], 32, 20, 0.2),
    ],
)
def test_factors_refer_to_the_users_own_values(words: list[str], batch_size: int, epochs: int, lr: float) -> None:
    cfg = composed(*words)
    before = cfg.copy()
    found = carried_out(cfg)
    assert values(found) == (batch_size, epochs, pytest.approx(lr))
    assert cfg == before
    assert carried_out(found) == found


def test_a_searched_rate_is_not_scaled() -> None:
    found = carried_out(composed("+experiment=bigger_batch"), rate_is_searched=True)
    assert values(found) == (128, 20, 0.001)
    assert found.lr_scaling == "none"


def test_the_run_is_the_one_with_the_products_and_stays_so_when_resumed(tmp_path: Path) -> None:
    runs = {
        "factors": ["batch_size=16", "trainer.max_epochs=1", "+experiment=[bigger_batch,more_epochs]"],
        "products": ["batch_size=64", "trainer.max_epochs=3", "optimizer.lr=0.4"],
    }
    for name, words in runs.items():
        assert main([*WORDS, *words, f"hydra.run.dir={tmp_path / name}"]) == 0
    weights = [torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True) for name in runs]
    one, other = (content["state_dict"] for content in weights)
    assert all(torch.equal(one[name], value) for name, value in other.items())
    kept = yaml.safe_load((tmp_path / "factors" / "config.yaml").read_text())
    assert (kept["batch_size"], kept["trainer"]["max_epochs"], kept["optimizer"]["lr"]) == (64, 3, 0.4)
    results = json.loads((tmp_path / "factors" / "results.json").read_text())
    assert (results["epochs"], results["steps"]) == (3, 12)

    assert main([f"resume={tmp_path / 'factors'}", "trainer.max_epochs=4"]) == 0
    again = tmp_path / "factors-continued"
    assert json.loads((again / "results.json").read_text())["epochs"] == 4
    kept_again = yaml.safe_load((again / "config.yaml").read_text())
    assert (kept_again["batch_size"], kept_again["optimizer"]["lr"]) == (64, 0.4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["+experiment=more_epochs", "trainer.max_epochs=null"], "epoch_factor=3 needs a trainer.max_epochs"),
        (["+experiment=bigger_batch", "optimizer=lbfgs"], "optimizer=lbfgs takes its steps from a line search"),
        (
            ["+experiment=bigger_batch", "scheduler=one_cycle", "scheduler.max_lr=0.1"],
            "scheduler.max_lr takes the place of optimizer.lr",
        ),
        (["+experiment=bigger_batch", "model=nearest_neighbours"], "is fitted at once and reads no batch_factor"),
        (["+experiment=more_epochs", "study=activations"], "a study trains no classifier and reads no epoch_factor"),
        (["+experiment=momentum", "optimizer=adam"], "momentum"),
        (["batch_factor=0"], "batch_factor must be"),
    ],
)
def test_what_cannot_be_is_said(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    assert main([*words, f"hydra.run.dir={folder}"]) == 2
    assert message in capsys.readouterr().err
    assert not folder.exists()


@pytest.mark.parametrize(("words", "lr"), [([], 0.01), (["optimizer=sgd"], 0.1), (["optimizer=nesterov"], 0.01)])
def test_momentum_is_there_with_any_kind_of_sgd(words: list[str], lr: float) -> None:
    optimizer = composed("+experiment=momentum", *words).optimizer
    assert (optimizer._target_, optimizer.momentum, optimizer.lr) == ("torch.optim.SGD", 0.9, lr)
