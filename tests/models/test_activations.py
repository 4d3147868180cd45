import math

import pytest
import torch
from scipy import integrate
from torch import nn

from lit_tricks.errors import UserError
from lit_tricks.models import ACTIVATIONS, gain, make_activation

WORDS = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "gelu", "silu", "identity"]
REFERENCE = {
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: z if z > 0 else 0.01 * z,
    "elu": lambda z: z if z > 0 else math.exp(z) - 1,
    "softplus": lambda z: math.log1p(math.exp(z)),
    "gelu": lambda z: z / 2 * (1 + math.erf(z / math.sqrt(2))),
    "silu": lambda z: z / (1 + math.exp(-z)),
    "identity": lambda z: z,
}


def second_moment(f) -> float:
    def density(z: float) -> float:
        return f(z) ** 2 * math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)

    return integrate.quad(density, -12, 0)[0] + integrate.quad(density, 0, 12)[0]


def test_the_words_are_the_documented_ones():
    assert list(ACTIVATIONS) == WORDS


@pytest.mark.parametrize("word", WORDS)
def test_each_word_computes_its_formula(word):
    z = [-5.0, -1.0, -0.1, 0.0, 0.1, 1.0, 5.0]
    expected = torch.tensor([REFERENCE[word](value) for value in z], dtype=torch.float64)
    torch.testing.assert_close(make_activation(word)(torch.tensor(z, dtype=torch.float64)), expected)


def test_every_call_makes_a_new_module():
    assert make_activation("relu") is not make_activation("relu")


@pytest.mark.parametrize(
    ("typed", "nearest"), [("reluu", "relu"), ("leaky", "leaky_relu"), ("swish", "sigmoid"), ("Tanh", "tanh")]
)
def test_an_unknown_word_is_answered_with_a_known_one(typed, nearest):
    with pytest.raises(UserError, match=rf"received {typed}: try model.activation={nearest}$"):
        make_activation(typed)


@pytest.mark.parametrize("word", ["relu", "leaky_relu", "elu", "softplus", "gelu", "silu", "identity"])
def test_the_gain_undoes_what_the_activation_takes_from_the_second_moment(word):
    assert gain(word) == pytest.approx(second_moment(REFERENCE[word]) ** -0.5, rel=1e-6)


@pytest.mark.parametrize("word", ["sigmoid", "tanh", "relu", "leaky_relu"])
def test_the_gain_is_torchs_where_torch_states_one(word):
    assert gain(word) == nn.init.calculate_gain(word, 0.01 if word == "leaky_relu" else None)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.ReLU(inplace=True), math.sqrt(2)),
        (nn.LeakyReLU(0.3), math.sqrt(2 / 1.09)),
        (nn.ELU(0.5, inplace=True), second_moment(lambda z: z if z > 0 else 0.5 * (math.exp(z) - 1)) ** -0.5),
        (nn.Softplus(beta=2), second_moment(lambda z: math.log1p(math.exp(2 * z)) / 2) ** -0.5),
        (nn.SELU(), 0.75),
        (nn.Softmax(dim=1), 1.0),
        (nn.Dropout(), 1.0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_gain_of_a_module_follows_its_parameters(module, expected):
    assert gain(module) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("word", ["relu", "elu", "softplus", "gelu", "silu"])
def test_a_layer_behind_the_activation_has_drives_of_second_moment_one(word):
    torch.manual_seed(0)
    weight = torch.randn(1000, 500) * gain(word) / math.sqrt(1000)
    drives = make_activation(word)(torch.randn(1000, 1000)) @ weight
    assert drives.square().mean().item() == pytest.approx(1, abs=0.1)
