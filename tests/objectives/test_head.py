import pytest
import torch
from torch import nn

from lit_tricks.errors import UserError
from lit_tricks.objectives import (
    BinaryCrossEntropy,
    CrossEntropy,
    SquaredError,
    check_outputs,
    refuse_double_activation,
)

INPUTS = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))


class ActivationListedLast(nn.Module):
    """Registers its sigmoid after the output layer but applies it between the layers."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.output, self.activation = nn.Linear(4, 5), nn.Linear(5, 3), nn.Sigmoid()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(self.activation(self.hidden(x)))


class ActivationListedFirst(nn.Module):
    """Registers its head's softmax before the layer that feeds it."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.output, self.rest = nn.Softmax(1), nn.Linear(4, 3), nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rest(self.head(self.output(x)))


class FunctionalSoftmax(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(x).softmax(1)


@pytest.mark.parametrize("last", [nn.Softmax(1), nn.LogSoftmax(1), nn.Sigmoid()])
@pytest.mark.parametrize("objective", [CrossEntropy(3), BinaryCrossEntropy(3), SquaredError(3)])
@pytest.mark.parametrize("inputs", [None, INPUTS])
def test_a_second_activation_is_refused(last, objective, inputs) -> None:
    network = nn.Sequential(nn.Sequential(nn.Linear(4, 3), last), nn.Identity())
    with pytest.raises(UserError, match=rf"applies its own \w+; the network ends in {type(last).__name__}: remove"):
        refuse_double_activation(network, objective, inputs)


@pytest.mark.parametrize("inputs", [None, INPUTS])
@pytest.mark.parametrize(
    "network",
    [nn.Linear(4, 3), nn.Sequential(nn.Linear(4, 5), nn.Sigmoid(), nn.Linear(5, 3)), ActivationListedLast()],
)
def test_logits_pass(network, inputs) -> None:
    refuse_double_activation(network, CrossEntropy(3), inputs)


@pytest.mark.parametrize("inputs", [None, INPUTS])
def test_an_objective_without_activation_takes_any_head(inputs) -> None:
    refuse_double_activation(nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)), SquaredError(3, "identity"), inputs)


def test_the_probe_finds_what_the_order_of_registration_hides() -> None:
    with pytest.raises(UserError, match="the network ends in Softmax"):
        refuse_double_activation(ActivationListedFirst(), CrossEntropy(3), INPUTS)
    with pytest.raises(UserError, match=r"outputs are probabilities \(rows sum to 1\)"):
        refuse_double_activation(FunctionalSoftmax(), CrossEntropy(3), INPUTS)


def test_a_wrapped_sequence_is_judged_by_structure() -> None:
    wrapper = nn.Module()
    wrapper.layers = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1))
    with pytest.raises(UserError, match="the network ends in Softmax"):
        refuse_double_activation(wrapper, CrossEntropy(3))


def test_the_probe_leaves_the_network_as_it_was() -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 3))
    network[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    refuse_double_activation(network, CrossEntropy(3), INPUTS)
    assert [module.training for module in network] == [True, False, True, True]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network)


def test_outputs_of_another_width_are_refused() -> None:
    with pytest.raises(UserError, match=r"logits of shape \(batch, 3\); received \(8, 4\)"):
        check_outputs(INPUTS, CrossEntropy(3))


def test_equal_logits_of_an_untrained_network_pass() -> None:
    check_outputs(torch.zeros(8, 3), CrossEntropy(3))
