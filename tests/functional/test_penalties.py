"""Norms of weights against torch's own, and what counts as a weight."""

import torch
from torch import nn

from lit_tricks.functional.penalties import l1_norm, squared_l2_norm, weights_of
from lit_tricks.models import CNN, MLP


def test_weights_are_neither_biases_nor_parameters_of_norms() -> None:
    network = CNN((1, 8, 8), 3, channels=[4], hidden=[5], norm="batch")
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    found = [names[id(weight)] for weight in weights_of(network)]
    assert found == ["blocks.0.conv.weight", "layers.0.linear.weight", "output.weight"]


def test_a_norm_over_several_dimensions_has_no_weights_and_a_shared_weight_counts_once() -> None:
    shared = nn.Linear(4, 4)
    network = nn.Sequential(nn.LayerNorm((4, 4)), nn.RMSNorm((4, 4)), shared, nn.Sequential(shared))
    assert [weight is shared.weight for weight in weights_of(network)] == [True]


def test_norms_and_gradients_are_those_of_torch() -> None:
    torch.manual_seed(0)
    weights = weights_of(MLP((6,), 3, hidden=[7, 5]))
    with torch.no_grad():
        weights[0][0, 0] = 0.0
    together = torch.cat([weight.detach().flatten() for weight in weights])
    for norm, order, power in ((l1_norm, 1, 1), (squared_l2_norm, 2, 2)):
        value = norm(weights)
        torch.testing.assert_close(value, torch.linalg.vector_norm(together, order) ** power)
        for weight, gradient in zip(weights, torch.autograd.grad(value, weights), strict=True):
            assert torch.equal(gradient, weight.sign() if order == 1 else 2 * weight)
