import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_tricks.errors import UserError
from lit_tricks.models import MLP, Linear


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("shape", "classes", "hidden", "parameters"),
    [
        ((1, 28, 28), 10, [30], 23_860),
        ((1, 28, 28), 10, [512, 512], 669_706),
        ((2,), 2, [5], 27),
        ((2,), 1, [4, 4], 37),
    ],
)
def test_parameter_counts_are_the_lectures(shape, classes, hidden, parameters):
    assert count(MLP(shape, classes, hidden)) == parameters


@settings(deadline=None, max_examples=40)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    classes=st.integers(1, 4),
    hidden=st.lists(st.integers(1, 9), max_size=4),
    norm=st.sampled_from(["none", "batch", "layer"]),
    bias=st.booleans(),
)
def test_any_stack_maps_its_shape_to_logits_with_the_expected_count(shape, classes, hidden, norm, bias):
    network = MLP(shape, classes, hidden, norm=norm, dropout=0.5, bias=bias)
    widths = [math.prod(shape), *hidden, classes]
    weights = sum(inputs * outputs for inputs, outputs in itertools.pairwise(widths))
    inner = sum(hidden) * ((bias and norm != "batch") + 2 * (norm != "none"))
    assert count(network) == weights + inner + classes * bias
    assert network(torch.zeros(3, *shape)).shape == (3, classes)


def test_logits_equal_the_matrix_product_written_out():
    torch.manual_seed(0)
    network = MLP((1, 2, 3), 4, [5], "sigmoid")
    x = torch.randn(7, 1, 2, 3)
    first, last = network.layers[0].linear, network.output
    hidden = 1 / (1 + torch.exp(-(x.reshape(7, 6) @ first.weight.T + first.bias)))
    torch.testing.assert_close(network(x), hidden @ last.weight.T + last.bias)


def test_parts_are_addressed_by_name():
    names = dict(MLP((4,), 2, [3, 3], norm="batch", dropout=[0.1, 0.0]).named_modules())
    assert {"layers.0.linear", "layers.0.norm", "layers.0.activation", "layers.0.dropout", "output"} <= names.keys()
    assert "layers.1.dropout" not in names


def test_dropout_is_given_for_all_layers_or_for_each():
    assert [block.dropout.p for block in MLP((4,), 2, [3, 3], dropout=0.3).layers] == [0.3, 0.3]
    assert [block.dropout.p for block in MLP((4,), 2, [3, 3], dropout=[0.1, 0.6]).layers] == [0.1, 0.6]


def test_an_empty_list_and_the_linear_model_are_the_same_network():
    torch.manual_seed(0)
    empty = MLP((3,), 2, [], dropout=0.5)
    torch.manual_seed(0)
    linear = Linear((3,), 2)
    assert empty.state_dict().keys() == linear.state_dict().keys() == {"output.weight", "output.bias"}
    x = torch.randn(5, 3)
    assert torch.equal(empty(x), linear(x))


def test_a_linear_model_without_bias_answers_zero_at_the_origin():
    network = Linear((2,), 3, bias=False)
    assert count(network) == 6
    assert torch.equal(network(torch.zeros(1, 2)), torch.zeros(1, 3))


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"hidden": [0]}, r"model.hidden must be a list of whole .* received \[0\]: try model.hidden=\[128\]"),
        ({"hidden": [8, -1]}, r"model.hidden must be .* received \[8, -1\]"),
        ({"hidden": [12.5]}, r"model.hidden must be .* received \[12.5\]"),
        ({"hidden": [True]}, r"model.hidden must be .* received \[True\]"),
        ({"hidden": 128}, r"model.hidden must be a list .* received 128: try model.hidden=\[128\]"),
        ({"hidden": "128"}, r"model.hidden must be a list .* received 128"),
        ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\); received 1.0: try model.dropout=0.2"),
        ({"dropout": -0.1}, r"model.dropout must be in \[0, 1\); received -0.1"),
        ({"dropout": float("nan")}, r"model.dropout must be in \[0, 1\); received nan"),
        ({"dropout": "much"}, r"model.dropout must be in \[0, 1\); received much"),
        ({"dropout": [0.1, 1.0]}, r"model.dropout must be in \[0, 1\)"),
        ({"dropout": [0.1]}, r"one share per hidden layer, 2 in all; received \[0.1\]: try one number"),
        ({"dropout": []}, r"one share per hidden layer, 2 in all; received \[\]"),
        ({"hidden": [], "dropout": 1.0}, r"model.dropout must be in \[0, 1\)"),
        ({"hidden": [], "activation": "rellu"}, r"try model.activation=relu$"),
        ({"norm": "bach"}, r"model.norm must be one of none, batch, layer; received bach: try model.norm=batch"),
        ({"num_classes": 0}, r"num_classes must be a whole number of at least 1; received 0"),
        ({"input_shape": (3, 0)}, r"input_shape must be a whole number of at least 1; received 0"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(knobs, message):
    with pytest.raises(UserError, match=message):
        MLP(**({"input_shape": (4,), "num_classes": 2, "hidden": [3, 3]} | knobs))
