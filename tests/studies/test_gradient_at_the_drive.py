import numpy as np
import pytest
import torch
from studies.lecture import build, findings

from lit_tricks.errors import UserError
from lit_tricks.objectives import BinaryCrossEntropy, CrossEntropy, Objective, SquaredError
from lit_tricks.studies import Findings
from lit_tricks.studies.gradient_at_the_drive import formula_at_drive, gradient_at_drive

DRIVES = torch.linspace(-6, 6, 25, dtype=torch.float64)
OBJECTIVES = [
    (CrossEntropy, {}),
    *((BinaryCrossEntropy, {"over_outputs": over}) for over in ("mean", "sum")),
    *(
        (SquaredError, {"output": output, "reduction": reduction})
        for output in ("sigmoid", "softmax", "identity")
        for reduction in ("mean", "half_sum")
    ),
]


def loss_at(objective: Objective, drive: float, target: int) -> float:
    logits = torch.zeros(1, objective.num_classes, dtype=torch.float64)
    logits[0, 0] = drive
    return objective.per_example(logits, torch.tensor([0 if target else 1])).item()


@pytest.mark.parametrize(("kind", "knobs"), OBJECTIVES)
@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_measurement_formula_and_finite_differences_agree(kind, knobs, classes, target, smoothing) -> None:
    objective = kind(classes, label_smoothing=smoothing, **knobs)
    measured = gradient_at_drive(objective, DRIVES, target)
    torch.testing.assert_close(measured, formula_at_drive(objective, DRIVES, target), rtol=1e-10, atol=1e-12)
    step = 1e-5
    differences = [
        (loss_at(objective, z + step, target) - loss_at(objective, z - step, target)) / (2 * step)
        for z in DRIVES.tolist()
    ]
    np.testing.assert_allclose(measured.numpy(), differences, atol=1e-8)


@pytest.fixture(scope="module")
def row() -> Findings:
    return findings("b6_gradient_at_the_drive")


def test_cross_entropy_pulls_by_how_wrong_it_is_and_squared_error_lets_go(row: Findings) -> None:
    for line in row.rows:
        y = 1 / (1 + np.exp(-line["drive"]))
        for target in (0, 1):
            for name in ("sigmoid_cross_entropy", "softmax_cross_entropy"):
                assert line[f"{name}/target_{target}"] == pytest.approx(y - target, abs=1e-12)
            assert line[f"squared_error/target_{target}"] == pytest.approx((y - target) * y * (1 - y), abs=1e-12)
    assert row.metrics["softmax_cross_entropy/most_wrong"] > 0.999
    assert row.metrics["squared_error/most_wrong"] < 0.001
    assert max(row.metrics[f"{name}/difference"] for name in ("sigmoid_cross_entropy", "squared_error")) < 1e-12


def test_the_picture_draws_the_measurement_and_the_formula(row: Findings) -> None:
    assert row.sentence == (
        "Pull on a neuron at drive 8 whose target is 0: sigmoid_cross_entropy 1, softmax_cross_entropy 1, "
        "squared_error 0.000335"
    )
    left = row.figures["gradient_at_the_drive"].axes[0]
    labels = [line.get_label() for line in left.lines if ":" in line.get_label()]
    assert labels == [
        "sigmoid_cross_entropy: y - t",
        "softmax_cross_entropy: y - t",
        "squared_error: (y - t) \N{GREEK SMALL LETTER SIGMA}'(z)",
    ]
    np.testing.assert_allclose(left.lines[0].get_ydata(), [line["sigmoid_cross_entropy/target_0"] for line in row.rows])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("study.classes=1", r"study\.classes must be at least 2; received 1"),
        ("study.reach=0", r"study\.reach must be a number in \(0, 100\]; received 0"),
        ("study.only=[mse]", "received mse: try study.only"),
    ],
)
def test_mistakes_are_refused(override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build("study=gradient_at_the_drive", override)
