import numpy as np
import pytest
import torch
from studies.lecture import build, findings

from lit_tricks.errors import UserError
from lit_tricks.models import ACTIVATIONS, make_activation
from lit_tricks.studies import Findings
from lit_tricks.studies.activation_curves import with_derivative

SEVEN = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "softmax"]


@pytest.mark.parametrize("word", ACTIVATIONS)
def test_each_derivative_is_that_of_finite_differences(word: str) -> None:
    # no point at the kink, where there is no derivative
    drives = torch.linspace(-6, 6, 400, dtype=torch.float64)
    function = make_activation(word)
    outputs, slopes = with_derivative(function, drives)
    torch.testing.assert_close(outputs, function(drives))
    step = 1e-6
    differences = (function(drives + step) - function(drives - step)) / (2 * step)
    torch.testing.assert_close(slopes, differences, rtol=1e-6, atol=1e-8)


@pytest.fixture(scope="module")
def row() -> Findings:
    return findings("c2_activations")


def test_the_lectures_seven_are_drawn_with_their_derivatives(row: Findings) -> None:
    panels = [axes for axes in row.figures["activations"].axes if axes.lines]
    assert [axes.get_title(loc="left") for axes in panels] == SEVEN
    for axes, word in zip(panels, SEVEN, strict=True):
        drawn = {line.get_label(): line.get_ydata() for line in axes.lines}
        np.testing.assert_allclose(drawn["output"], [line[f"{word}/output"] for line in row.rows])
        np.testing.assert_allclose(drawn["derivative"], [line[f"{word}/slope"] for line in row.rows])


def test_softmax_and_its_derivative_follow_the_formula(row: Findings) -> None:
    z = np.array([line["drive"] for line in row.rows])
    y = np.exp(z) / (np.exp(z) + 2)
    np.testing.assert_allclose([line["softmax/output"] for line in row.rows], y)
    np.testing.assert_allclose([line["softmax/slope"] for line in row.rows], y * (1 - y), atol=1e-12)


def test_the_figures_are_what_is_known(row: Findings) -> None:
    assert row.metrics["sigmoid/largest_slope"] == pytest.approx(0.25)
    assert row.metrics["tanh/slope_at_0"] == pytest.approx(1)
    assert row.metrics["softplus/slope_at_0"] == pytest.approx(0.5)
    assert row.metrics["leaky_relu/flat_share"] == 0
    assert row.metrics["relu/flat_share"] == pytest.approx(0.5, abs=0.01)
    # sigmoid'(z) = 0.01 at |z| = 4.585
    assert row.metrics["sigmoid/flat_share"] == pytest.approx(1 - 4.585 / 6, abs=0.01)
    assert row.sentence.startswith("Drives between -6 and 6 with hardly any slope: tanh 50%, relu 50%, ")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("study.activations=[]", "must name at least one activation"),
        ("study.activations=[relu,relu]", "each once; received"),
        (
            "study.activations=[rleu]",
            r"study\.activations must be one of .* received rleu: try study\.activations=relu",
        ),
        ("study.softmax_drives=1", r"study\.softmax_drives must be a whole number of at least 2; received 1"),
        ("study.reach=-1", r"study\.reach must be a number in \(0, 100\]"),
    ],
)
def test_mistakes_are_refused(override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build("study=activations", override)
