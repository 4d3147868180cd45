"""Penalties have Keras' and the textbooks' values, shape the weights as they say, and change nothing at 0."""

from pathlib import Path

import pytest
import torch
from torch import nn
from training import make_module, make_trainer

from lit_tricks.build import _make_penalty
from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.data import DigitsDataModule
from lit_tricks.errors import UserError
from lit_tricks.functional.penalties import weights_of
from lit_tricks.models import MLP
from lit_tricks.module import LitClassifier
from lit_tricks.objectives import WeightPenalty

pytestmark = pytest.mark.filterwarnings("ignore:The number of training batches")
COMPOSER = Composer(str(conf_dir()))


def layer(*rows: list[float]) -> nn.Linear:
    network = nn.Linear(len(rows[0]), len(rows))
    with torch.no_grad():
        network.weight.copy_(torch.tensor(rows))
    return network


@pytest.mark.parametrize(
    ("knobs", "value"),
    [
        # worked by hand for the weights 1, -2, 3: Σ|w| = 6, Σw² = 14
        ({"l1": 0.1}, 0.6),
        ({"l2": 0.1}, 1.4),
        ({"l2": 0.1, "convention": "half_sum"}, 0.7),
        ({"l1": 0.1, "l2": 0.01}, 0.74),
        ({"l1": 0.1, "l2": 0.01, "convention": "half_sum"}, 0.67),
        ({}, 0.0),
    ],
)
def test_values_are_those_of_keras_and_of_the_textbooks(knobs: dict, value: float) -> None:
    assert WeightPenalty(**knobs)(layer([1.0, -2.0, 3.0])).item() == pytest.approx(value)


@pytest.mark.parametrize(
    "knobs", [{"l1": 0.3}, {"l2": 0.3}, {"l1": 0.1, "l2": 0.2}, {"l2": 1, "convention": "half_sum"}]
)
def test_gradients_are_the_derivatives_by_hand_and_by_differences(knobs: dict) -> None:
    torch.manual_seed(0)
    network = MLP((6,), 3, hidden=[5], norm="batch").double()
    penalty = WeightPenalty(**knobs)
    penalty(network).backward()
    half = 0.5 if penalty.convention == "half_sum" else 1.0
    weights = weights_of(network)
    for parameter in network.parameters():
        if any(parameter is weight for weight in weights):
            by_hand = penalty.l1 * parameter.sign() + 2 * half * penalty.l2 * parameter
            torch.testing.assert_close(parameter.grad, by_hand.detach())
        else:
            assert parameter.grad is None
    with torch.no_grad():
        before = penalty(network)
        weights[0][2, 3] += 1e-6
        slope = (penalty(network) - before) / 1e-6
    assert slope.item() == pytest.approx(weights[0].grad[2, 3].item(), rel=1e-4)


def test_the_textbooks_penalty_is_a_coupled_weight_decay_that_spares_biases() -> None:
    def step(penalty: WeightPenalty | None, decay: float) -> nn.Linear:
        torch.manual_seed(0)
        network = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, weight_decay=decay)
        loss = network(torch.ones(2, 4)).square().mean()
        (loss if penalty is None else loss + penalty(network)).backward()
        optimizer.step()
        return network

    plain, decayed = step(None, 0.0), step(None, 0.5)
    penalised = step(WeightPenalty(l2=0.5, convention="half_sum"), 0.0)
    torch.testing.assert_close(penalised.weight, decayed.weight)
    assert torch.equal(penalised.bias, plain.bias)
    assert not torch.equal(decayed.bias, plain.bias)


def test_frozen_weights_do_not_count() -> None:
    network = nn.Sequential(layer([1.0, 2.0]), layer([3.0]))
    network[0].requires_grad_(False)
    penalty = WeightPenalty(l2=1.0)
    assert penalty(network).item() == pytest.approx(9.0)
    network[0].requires_grad_(True)
    assert penalty(network).item() == pytest.approx(14.0)
    network.requires_grad_(False)
    with pytest.raises(UserError, match="needs weights that train; this network has none"):
        penalty(network)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"l1": -1}, r"penalty\.l1 must be a number at least 0; received -1"),
        ({"l2": float("nan")}, r"penalty\.l2 must be a number at least 0; received nan"),
        ({"convention": "keras"}, r"penalty\.convention must be sum or half_sum; received keras"),
    ],
)
def test_refuses_what_is_out_of_range(wrong: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        WeightPenalty(**wrong)


def penalty_of(*overrides: str) -> WeightPenalty | None:
    composed = COMPOSER.compose([COMPOSER.parse(text) for text in overrides])
    for override in composed.values:
        composed.apply(override)
    return _make_penalty(composed.config)


def test_experiments_stack_and_zero_is_no_penalty_at_all() -> None:
    both = penalty_of("+experiment=[l1,l2]", "penalty.l1=0.5")
    assert (both.l1, both.l2, both.convention) == (0.5, 0.001, "sum")
    other = penalty_of("penalty=l1", "+experiment=l2")
    assert (other.l1, other.l2) == (0.0001, 0.001)
    assert penalty_of() is None
    assert penalty_of("+experiment=[l1,l2]", "penalty.l1=0", "penalty.l2=0.0") is None


def trained(folder: Path, penalty: WeightPenalty | None) -> tuple[LitClassifier, dict[str, float]]:
    datamodule = DigitsDataModule(batch_size=64, val_size=0.2)
    module = make_module(datamodule, optimizer=lambda parameters: torch.optim.Adam(parameters, lr=5e-3))
    module._penalty = penalty
    trainer = make_trainer(folder, 12)
    torch.manual_seed(0)
    trainer.fit(module, datamodule=datamodule)
    return module, {name: float(value) for name, value in trainer.callback_metrics.items()}


def test_a_penalty_of_zero_changes_no_bit_and_is_logged_apart_from_the_loss(tmp_path: Path) -> None:
    plain, figures = trained(tmp_path / "a", None)
    zero, zero_figures = trained(tmp_path / "b", WeightPenalty())
    assert zero_figures.pop("train/penalty") == 0.0
    assert zero_figures == figures
    for one, other in zip(plain.parameters(), zero.parameters(), strict=True):
        assert torch.equal(one, other)


def test_l1_empties_more_weights_than_l2_at_the_same_accuracy_and_l2_shrinks_them(tmp_path: Path) -> None:
    found = {}
    for name, penalty in {"none": None, "l1": WeightPenalty(l1=1e-3), "l2": WeightPenalty(l2=3e-3)}.items():
        module, figures = trained(tmp_path / name, penalty)
        weights = torch.cat([weight.detach().flatten() for weight in weights_of(module.network)])
        near_zero = float((weights.abs() < 1e-3).float().mean())
        found[name] = (figures["val/acc"], near_zero, float(weights.norm()))
    assert min(accuracy for accuracy, _, _ in found.values()) > found["none"][0] - 0.02
    assert found["l1"][1] > 1.5 * found["l2"][1] > 1.5 * found["none"][1]
    assert found["l2"][2] < 0.8 * found["none"][2]
