import pytest
import torch
import torch.nn.functional as F

from lit_tricks.errors import UserError
from lit_tricks.models import MLP, Linear
from lit_tricks.objectives import BinaryCrossEntropy, SquaredError


def neuron(network, x):
    """The one neuron's output, from the weights alone."""
    return x.flatten(1) @ network.output.weight[0] + network.output.bias


@pytest.mark.parametrize(
    ("objective", "reference"),
    [
        (BinaryCrossEntropy(2), F.binary_cross_entropy),
        (SquaredError(2, output="sigmoid"), F.mse_loss),
    ],
    ids=["bce", "mse"],
)
def test_loss_and_gradient_are_those_of_one_sigmoid_neuron(objective, reference):
    torch.manual_seed(0)
    network, x, y = Linear((3,), 2, single_output=True).double(), torch.randn(8, 3).double(), torch.randint(0, 2, (8,))
    loss = objective(network(x), y)
    expected = reference(torch.sigmoid(neuron(network, x)), y.double())
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    ours = torch.autograd.grad(loss, network.output.weight)[0]
    theirs = torch.autograd.grad(expected, network.output.weight)[0]
    torch.testing.assert_close(ours, theirs)


def test_the_class_is_the_side_of_one_half():
    network, x = Linear((2,), 2, single_output=True), torch.randn(50, 2)
    assert torch.equal(network(x).argmax(1), (torch.sigmoid(neuron(network, x)) > 0.5).long())


def test_the_lecture_network_has_37_parameters():
    assert sum(p.numel() for p in MLP((2,), 2, [4, 4], single_output=True).parameters()) == 37


def test_more_than_two_classes_are_refused():
    with pytest.raises(UserError, match="single_output needs two classes; received 3"):
        MLP((2,), 3, single_output=True)
