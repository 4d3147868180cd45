import inspect
import io
from pathlib import Path

import pytest
import torch
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

CONF = Path(__file__).resolve().parents[2] / "conf" / "optimizer"
WORDS = sorted(path.stem for path in CONF.glob("*.yaml"))
# what a word changes on purpose against torch's own defaults
DELIBERATE = {
    "sgd": {"lr": 0.1},
    "momentum": {"lr": 0.01, "momentum": 0.9},
    "nesterov": {"lr": 0.01, "momentum": 0.9, "nesterov": True},
    "rmsprop": {"lr": 0.001, "alpha": 0.9},
    "lbfgs": {"line_search_fn": "strong_wolfe"},
}


def test_all_words_are_there() -> None:
    expected = "adadelta adagrad adam adamax adamw lbfgs momentum nesterov rmsprop sgd"
    assert expected.split() == WORDS


@pytest.mark.parametrize("word", WORDS)
def test_knobs_are_torchs_defaults_but_for_the_deliberate_ones(word: str) -> None:
    config = OmegaConf.to_container(OmegaConf.load(CONF / f"{word}.yaml"))
    assert isinstance(config, dict)
    parameters = inspect.signature(get_class(config["_target_"]).__init__).parameters
    knobs = {name: value for name, value in config.items() if not name.startswith("_")}
    defaults = {name: parameters[name].default for name in knobs}
    defaults = {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}
    changed = {name: value for name, value in knobs.items() if value != defaults[name]}
    assert changed == DELIBERATE.get(word, {})


@pytest.mark.parametrize("word", WORDS)
def test_steps_lower_a_loss_and_the_state_loads_as_plain_data(word: str) -> None:
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 1)
    inputs = torch.randn(32, 3)
    answers = inputs @ torch.tensor([[1.0], [-2.0], [0.5]])
    optimizer = instantiate(OmegaConf.load(CONF / f"{word}.yaml"))(network.parameters())

    def loss() -> torch.Tensor:
        return (network(inputs) - answers).square().mean()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    before = loss().item()
    for _ in range(5):
        optimizer.step(closure)
    assert loss().item() < before

    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    torch.load(io.BytesIO(file.getvalue()), weights_only=True)
