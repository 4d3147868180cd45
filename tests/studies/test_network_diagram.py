import pytest
import torch
from studies.lecture import build, findings
from torch import nn

from lit_tricks.errors import UserError
from lit_tricks.models import CNN, MLP, Linear
from lit_tricks.models.summary import dense_layers
from lit_tricks.report.network_diagram import MOST_UNITS, count_sentence, network_diagram


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_the_lectures_network_has_669706_parameters() -> None:
    row = findings("c1_network_diagram")
    assert row.sentence == "784-512-512-10: 668,672 weights + 1,034 biases = 669,706 parameters"
    by_layer = [row.metrics[f"{layer}/parameters"] for layer in ("hidden_1", "hidden_2", "output", "network")]
    assert by_layer == [401_920, 262_656, 5_130, 669_706]
    shown = texts(row.figures["network"])
    assert "hidden 1\n512\nReLU" in shown
    assert "401,408 weights\n+ 512 biases\n= 401,920" in shown
    assert row.facts["n_params"] == 669_706


@pytest.mark.parametrize(
    "network",
    [
        MLP([1, 8, 8], 10, hidden=[32, 16], norm="batch", dropout=0.5),
        MLP([64], 3, hidden=[5], norm="layer", activation="tanh"),
        Linear([4], 2),
        Linear([4], 2, bias=False),
        nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.Sequential(nn.SiLU(), nn.Linear(4, 4)), nn.Linear(4, 1)),
        nn.Linear(3, 2),
    ],
)
def test_a_dense_networks_layers_hold_all_of_its_parameters(network: nn.Module) -> None:
    layers = dense_layers(network)
    assert layers is not None
    counted = sum(layer["weights"] + layer["biases"] for layer in layers)
    assert counted == sum(parameter.numel() for parameter in network.parameters())
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    sizes = [(layer["inputs"], layer["units"]) for layer in layers if layer["kind"] == "Linear"]
    assert sizes == [(module.in_features, module.out_features) for module in linear]
    assert f"{counted:,} parameters" in count_sentence(layers)
    assert network_diagram(layers).get_suptitle().replace("\n", " ") == count_sentence(layers)


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.gate = nn.Linear(4, 3), nn.Parameter(torch.ones(3))


@pytest.mark.parametrize(
    "network",
    [
        CNN([1, 8, 8], 10),
        nn.Sequential(nn.Linear(4, 3), nn.Linear(4, 2)),
        nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 3)),
        nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 3)),
        Gated(),
        nn.ReLU(),
    ],
)
def test_any_other_network_is_not_called_dense(network: nn.Module) -> None:
    assert dense_layers(network) is None


def test_small_layers_are_drawn_in_full_and_wide_ones_by_their_ends() -> None:
    layers = dense_layers(MLP([MOST_UNITS], 3, hidden=[MOST_UNITS + 1]))
    assert layers is not None
    figure = network_diagram(layers)
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [MOST_UNITS, MOST_UNITS, 3]
    assert texts(figure).count("⋮") == 1
    weights = [len(lines.get_segments()) for lines in figure.axes[0].collections]
    assert weights == [MOST_UNITS**2, MOST_UNITS * 3]


def test_a_very_deep_network_keeps_to_the_page() -> None:
    layers = dense_layers(MLP([4], 2, hidden=[3] * 60))
    assert layers is not None
    figure = network_diagram(layers)
    assert figure.get_size_inches()[0] == 30
    assert texts(figure) == []


def test_another_dense_network_is_drawn_and_a_convolution_refused() -> None:
    found = build(
        "study=network_diagram", "study.input_shape=[2]", "study.num_classes=1", "study.model.hidden=[3]"
    ).run(0)
    assert found.sentence == "2-3-1: 9 weights + 4 biases = 13 parameters"
    with pytest.raises(UserError, match=r"study\.model must be a dense network"):
        build("study=network_diagram", "model@study.model=cnn", "study.input_shape=[1,8,8]").run(0)
    with pytest.raises(UserError, match=r"study\.input_shape must have at least one dimension"):
        build("study=network_diagram", "study.input_shape=[]")
