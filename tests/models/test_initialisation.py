import math

import pytest
import torch
from torch import nn

from lit_tricks.errors import UserError
from lit_tricks.models import CNN, MLP, Initialiser, gain
from lit_tricks.models.initialisation import SCHEMES, following_gains

GAIN = 1.3
NORMAL = {
    "normal": lambda fan_in, fan_out: 0.05,
    "scaled_normal": lambda fan_in, fan_out: GAIN / math.sqrt(fan_in),
    "glorot_normal": lambda fan_in, fan_out: GAIN * math.sqrt(2 / (fan_in + fan_out)),
    "he_normal": lambda fan_in, fan_out: GAIN / math.sqrt(fan_in),
}
UNIFORM = {
    "uniform": lambda fan_in, fan_out: 0.05,
    "glorot_uniform": lambda fan_in, fan_out: GAIN * math.sqrt(6 / (fan_in + fan_out)),
    "he_uniform": lambda fan_in, fan_out: GAIN * math.sqrt(3 / fan_in),
}
LAYERS = {
    "linear": (nn.Linear(300, 200), 300, 200),
    "conv": (nn.Conv2d(40, 60, 5), 40 * 25, 60 * 25),
}


def initialiser(scheme: str, **knobs) -> Initialiser:
    return Initialiser(scheme, gain=GAIN, **knobs) if "gain" in SCHEMES[scheme] else Initialiser(scheme, **knobs)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("scheme", NORMAL)
def test_normal_schemes_have_their_formulas_spread(scheme, kind):
    torch.manual_seed(0)
    layer, fan_in, fan_out = LAYERS[kind]
    initialiser(scheme)(layer)
    n = layer.weight.numel()
    sigma = NORMAL[scheme](fan_in, fan_out)
    # five standard errors; the standard error of a Gaussian's spread is σ / √(2n)
    assert layer.weight.std().item() == pytest.approx(sigma, abs=5 * sigma / math.sqrt(2 * n))
    assert layer.weight.mean().item() == pytest.approx(0, abs=5 * sigma / math.sqrt(n))
    assert layer.weight.abs().max() > 3 * sigma, "the tails are not cut"
    assert not layer.bias.any()


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("scheme", UNIFORM)
def test_uniform_schemes_fill_exactly_their_formulas_bounds(scheme, kind):
    torch.manual_seed(0)
    layer, fan_in, fan_out = LAYERS[kind]
    initialiser(scheme)(layer)
    bound = UNIFORM[scheme](fan_in, fan_out)
    largest = layer.weight.abs().max().item()
    # n uniform draws leave a gap to the bound of 1 / n on average
    assert bound * (1 - 12 / layer.weight.numel()) < largest <= bound * (1 + 1e-6)
    assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(
    ("scheme", "knobs", "reference"),
    [
        ("normal", {"std": 0.3}, lambda w: nn.init.normal_(w, 0, 0.3)),
        ("uniform", {"bound": 0.3}, lambda w: nn.init.uniform_(w, -0.3, 0.3)),
        ("glorot_normal", {}, nn.init.xavier_normal_),
        ("glorot_uniform", {}, nn.init.xavier_uniform_),
        ("glorot_uniform", {"gain": 2.0}, lambda w: nn.init.xavier_uniform_(w, 2.0)),
        ("he_normal", {}, lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")),
        ("he_uniform", {}, lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu")),
        ("orthogonal", {}, lambda w: nn.init.orthogonal_(w, math.sqrt(2))),
        ("zeros", {}, nn.init.zeros_),
    ],
)
def test_before_relu_the_draws_are_torchs_own(scheme, knobs, reference, kind):
    network = nn.Sequential(LAYERS[kind][0], nn.ReLU())
    torch.manual_seed(3)
    Initialiser(scheme, **knobs)(network)
    torch.manual_seed(3)
    torch.testing.assert_close(network[0].weight.data, reference(torch.empty_like(network[0].weight)))


def test_default_changes_nothing():
    network = CNN((1, 8, 8), 3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    Initialiser()(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("shape", [(20, 50), (50, 20)])
def test_orthogonal_weights_are_orthogonal_times_the_gain(shape):
    torch.manual_seed(0)
    layer = nn.Linear(shape[1], shape[0])
    Initialiser("orthogonal", gain=GAIN)(layer)
    short = layer.weight if shape[0] <= shape[1] else layer.weight.T
    torch.testing.assert_close(short @ short.T, GAIN**2 * torch.eye(20), atol=1e-5, rtol=0)


def test_glorot_uniform_matches_keras_on_the_lectures_baseline():
    torch.manual_seed(0)
    network = MLP((1, 28, 28), 10, [30], "sigmoid")
    Initialiser("glorot_uniform")(network)
    assert network.layers[0].linear.weight.abs().max().item() == pytest.approx(math.sqrt(6 / 814), rel=1e-3)
    assert network.output.weight.abs().max().item() == pytest.approx(math.sqrt(6 / 40), rel=0.02)
    assert network.output.weight.abs().max() <= math.sqrt(6 / 40)
    assert not network.layers[0].linear.bias.any()
    assert not network.output.bias.any()


@pytest.mark.parametrize("scheme", ["glorot_uniform", "scaled_normal"])
def test_a_fixed_gain_of_one_ignores_the_activation(scheme):
    weights = []
    for activation in (nn.ReLU(), nn.Sigmoid()):
        network = nn.Sequential(nn.Linear(30, 20), activation)
        torch.manual_seed(0)
        Initialiser(scheme)(network)
        weights.append(network[0].weight)
    assert torch.equal(*weights)


def test_auto_gain_scales_every_layer_by_the_activation_behind_it():
    network = nn.Sequential(nn.Linear(30, 20), nn.Tanh(), nn.Linear(20, 10), nn.GELU(), nn.Linear(10, 3))
    torch.manual_seed(0)
    Initialiser("glorot_normal", gain="auto")(network)
    matched = [network[i].weight.clone() for i in (0, 2, 4)]
    torch.manual_seed(0)
    Initialiser("glorot_normal")(network)
    for weight, i, factor in zip(matched, (0, 2, 4), (5 / 3, gain("gelu"), 1.0), strict=True):
        torch.testing.assert_close(weight, network[i].weight * factor)


def test_gains_are_found_behind_norms_and_in_nested_networks():
    cnn = CNN((1, 8, 8), 3, channels=[2, 2], hidden=[4], activation="leaky_relu", norm="batch", dropout=0.1)
    assert list(following_gains(cnn).values()) == pytest.approx([gain("leaky_relu")] * 3 + [1.0])

    class Mine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.ConvTranspose1d(1, 2, 3)
            self.skip = nn.Identity()
            self.curve = nn.SiLU()
            self.body = nn.Linear(2, 2)
            self.score = nn.Linear(2, 2)
            self.share = nn.Softmax(1)

    assert list(following_gains(Mine()).values()) == pytest.approx([gain("silu"), 1.0, 1.0])


def test_of_two_activations_the_first_counts():
    network = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.ReLU())
    assert list(following_gains(network).values()) == pytest.approx([5 / 3])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_norms_and_layers_without_bias_are_left_alone(scheme):
    network = CNN((1, 8, 8), 3, channels=[4], norm="batch")
    nn.init.constant_(network.blocks[0].norm.weight, 7)
    nn.init.constant_(network.blocks[0].norm.bias, 8)
    Initialiser(scheme, bias="normal")(network)
    assert (network.blocks[0].norm.weight == 7).all()
    assert (network.blocks[0].norm.bias == 8).all()
    assert network.blocks[0].conv.bias is None
    assert network.output.bias.any()


@pytest.mark.parametrize(
    ("scheme", "knobs", "sigma"),
    [
        ("normal", {"std": 1.0}, 1.0),
        ("normal", {}, 0.05),
        ("normal", {"bias_std": 0.5}, 0.5),
        ("scaled_normal", {}, 1.0),
        ("zeros", {"bias_std": 2.0}, 2.0),
    ],
)
def test_normal_biases_have_their_spread(scheme, knobs, sigma):
    torch.manual_seed(0)
    layer = nn.Linear(1, 20_000)
    Initialiser(scheme, bias="normal", **knobs)(layer)
    assert layer.bias.std().item() == pytest.approx(sigma, rel=0.03)


def test_kept_biases_stay():
    layer = nn.Linear(5, 4)
    before = layer.bias.clone()
    Initialiser("he_normal", bias="keep")(layer)
    assert torch.equal(layer.bias, before)


def trained(scheme: str, activation: str) -> MLP:
    torch.manual_seed(0)
    network = MLP((6,), 3, [5, 4], activation).double()
    Initialiser(scheme)(network)
    optimizer = torch.optim.SGD(network.parameters(), 0.5)
    x, target = torch.randn(60, 6, dtype=torch.float64), torch.arange(60) % 2
    for _ in range(20):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), target).backward()
        optimizer.step()
    return network


def spread_between_units(network: MLP) -> float:
    return max((block.linear.weight - block.linear.weight[0]).abs().max().item() for block in network.layers)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_symmetry_never_breaks_from_zero_weights(activation):
    network = trained("zeros", activation)
    # matrix products sum in another order at their edges, hence rounding
    assert spread_between_units(network) < 1e-15
    assert network.output.bias.any(), "the output bias does learn"
    assert spread_between_units(trained("normal", activation)) > 0.01


COUNTS = [90, 9, 1]


@pytest.mark.parametrize(
    ("link", "probabilities"),
    [("softmax", lambda z: z.softmax(0)), ("sigmoid", torch.sigmoid), ("identity", lambda z: z)],
)
def test_the_prior_bias_makes_the_first_answer_the_class_shares(link, probabilities):
    network = MLP((4,), 3, [5])
    Initialiser("zeros", bias="prior", link=link)(network, COUNTS)
    expected = torch.tensor([0.9, 0.09, 0.01])
    torch.testing.assert_close(probabilities(network(torch.randn(2, 4))[0]), expected)
    assert not network.layers[0].linear.bias.any()


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
@pytest.mark.parametrize("counts", [[5, 0, 0], [1, 0, 0], [0, 0, 0]])
def test_the_prior_of_an_absent_class_is_small_but_finite(link, counts):
    network = MLP((4,), 3, [5])
    Initialiser("he_normal", bias="prior", link=link)(network, counts)
    assert torch.isfinite(network.output.bias).all()
    assert network.output.bias[0] >= network.output.bias[1]


def test_a_network_in_float64_keeps_its_precision():
    network = nn.Linear(3, 2).double()
    Initialiser("he_normal", bias="prior")(network, [1, 2])
    assert network.bias.dtype == torch.float64
    torch.testing.assert_close(network.bias.exp(), torch.tensor([1 / 3, 2 / 3], dtype=torch.float64))


def test_the_same_seed_gives_the_same_weights_and_gradients_still_flow():
    networks = [MLP((4,), 2, [3]) for _ in range(2)]
    for network in networks:
        torch.manual_seed(5)
        Initialiser("he_uniform", bias="normal")(network)
        assert all(p.requires_grad and p.is_leaf for p in network.parameters())
    first, second = (nn.utils.parameters_to_vector(network.parameters()) for network in networks)
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("scheme", "knobs", "message"),
    [
        ("he_norm", {}, r"init must be one of .*received he_norm: try init=he_normal$"),
        ("xavier", {}, r"init must be one of .*received xavier: try init=default$"),
        ("zeros", {"bias": "priors"}, r"init.bias must be one of .*received priors: try init.bias=prior$"),
        ("normal", {"std": 0}, r"init.std must be greater than 0; received 0: try init.std=1.0"),
        ("uniform", {"bound": -1}, r"init.bound must be greater than 0; received -1"),
        ("he_normal", {"gain": 0.0}, r"init.gain must be greater than 0; received 0.0"),
        ("he_normal", {"gain": float("nan")}, r"init.gain must be greater than 0; received nan"),
        ("he_normal", {"gain": "relu"}, r"init.gain must be greater than 0; received relu"),
        ("he_normal", {"bias_std": -1.0}, r"init.bias_std must be greater than 0; received -1.0"),
        ("normal", {"gain": 2.0}, r"init=normal reads no gain; received 2.0: it belongs to init=scaled_normal, glorot"),
        ("he_normal", {"std": 0.1}, r"init=he_normal reads no std; received 0.1: it belongs to init=normal$"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(scheme, knobs, message):
    with pytest.raises(UserError, match=message):
        Initialiser(scheme, **knobs)


@pytest.mark.parametrize(
    ("network", "counts", "message"),
    [
        (nn.Linear(2, 2), None, r"init.bias=prior needs class counts; received none: try init.bias=zero"),
        (nn.Linear(2, 2), (), r"init.bias=prior needs class counts; received none"),
        (nn.Linear(2, 2, bias=False), [1, 2], r"needs a last linear layer with a bias.*try model.bias=true"),
        (nn.Conv2d(1, 2, 1), [1, 2], r"needs a last linear layer with a bias"),
        (nn.Linear(2, 3), [1, 2], r"received 3 outputs in the last linear layer for 2 classes: try init.bias=zero"),
    ],
)
def test_a_prior_that_does_not_fit_is_refused(network, counts, message):
    with pytest.raises(UserError, match=message):
        Initialiser("he_normal", bias="prior")(network, counts)


def test_an_unknown_link_is_refused():
    with pytest.raises(UserError, match=r"link must be one of softmax, sigmoid, identity; received logit"):
        Initialiser(bias="prior", link="logit")
