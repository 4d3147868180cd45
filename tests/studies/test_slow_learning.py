"""The 1-1-1 network written out in numpy, on the same inputs in the same order."""

import numpy as np
import pytest
import torch
from studies.lecture import build, findings

from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed
from lit_tricks.studies import Findings

EPOCHS = 100
STARTS = {
    "squared_error": (2.0, 3.0, 4.0, 5.0),
    "kinder_start": (1.0, 0.0, 1.0, 0.0),
    "cross_entropy": (2.0, 3.0, 4.0, 5.0),
}


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def stream(word: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(0, "slow_learning", word))


def retold(name: str) -> np.ndarray:
    """Return loss, mean output and mean slope of every epoch."""
    x = torch.randn(1000, 1, dtype=torch.float64, generator=stream("inputs")).numpy()[:, 0]
    order = stream("order")
    w1, b1, w2, b2 = STARTS[name]
    entropy = name == "cross_entropy"

    def loss(y: np.ndarray) -> float:
        return float(np.mean(-np.log(1 - y) if entropy else y**2))

    def output(inputs: np.ndarray) -> np.ndarray:
        return sigmoid(w2 * sigmoid(w1 * inputs + b1) + b2)

    y = output(x)
    told = [(loss(y), y.mean(), (y * (1 - y)).mean())]
    for _ in range(EPOCHS):
        losses = []
        for rows in np.split(torch.randperm(1000, generator=order).numpy(), 10):
            hidden = sigmoid(w1 * x[rows] + b1)
            y = sigmoid(w2 * hidden + b2)
            losses.append(loss(y))
            drive = (y if entropy else 2 * y * y * (1 - y)) / len(rows)
            before = drive * w2 * hidden * (1 - hidden)
            w2, b2 = w2 - (drive * hidden).sum(), b2 - drive.sum()
            w1, b1 = w1 - (before * x[rows]).sum(), b1 - before.sum()
        y = output(x)
        told.append((np.mean(losses), y.mean(), (y * (1 - y)).mean()))
    return np.array(told)


@pytest.fixture(scope="module")
def rows() -> dict[str, Findings]:
    return {"b1": findings("b1_slow_learning"), "b2": findings("b2_cross_entropy_learns_at_once")}


@pytest.mark.parametrize(
    ("row", "name"), [("b1", "squared_error"), ("b1", "kinder_start"), ("b2", "squared_error"), ("b2", "cross_entropy")]
)
def test_every_curve_is_that_of_the_network_written_out(row: str, name: str, rows: dict[str, Findings]) -> None:
    found = np.array([[line[f"{name}/{what}"] for what in ("loss", "output", "slope")] for line in rows[row].rows])
    np.testing.assert_allclose(found, retold(name), rtol=1e-8)


def test_squared_error_stays_on_its_plateau_and_the_cures_do_not(rows: dict[str, Findings]) -> None:
    b1, b2 = rows["b1"].metrics, rows["b2"].metrics
    losses = [line["squared_error/loss"] for line in rows["b1"].rows]
    halved = next(epoch for epoch, loss in enumerate(losses) if loss < losses[0] / 2)
    assert b1["squared_error/epochs_to_half"] == b2["squared_error/epochs_to_half"] == halved
    assert halved > 50
    assert losses[halved // 2] > 0.99 * losses[0]
    assert b1["kinder_start/epochs_to_half"] == b2["cross_entropy/epochs_to_half"] == 1
    # the same start is as flat for both losses: only the squared error suffers from it
    assert b2["squared_error/first_slope"] == b2["cross_entropy/first_slope"] < 1e-3 < b1["kinder_start/first_slope"]
    assert rows["b1"].sentence == f"Epochs until the loss halves: {halved} for squared_error, 1 for kinder_start"


def test_a_curve_that_never_halves_says_so() -> None:
    found = build("study=slow_learning", "study.only=[squared_error]", "study.epochs=3").run(0)
    assert found.metrics["squared_error/epochs_to_half"] is None
    assert found.sentence == "Epochs until the loss halves: more than 3 for squared_error"
    assert [line["epoch"] for line in found.rows] == [0, 1, 2, 3]


def test_a_last_smaller_batch_counts_by_its_examples() -> None:
    short = ["study=slow_learning", "study.only=[kinder_start]", "study.epochs=1", "study.examples=5"]
    # with a rate this small an epoch's loss is that of the untrained network
    found = build(*short, "study.batch_size=3", "study.optimizer.lr=1e-12").run(0)
    assert found.rows[1]["kinder_start/loss"] == pytest.approx(found.rows[0]["kinder_start/loss"], rel=1e-9)


def test_the_seed_decides_the_inputs_and_nothing_else() -> None:
    short = build("study=slow_learning", "study.epochs=2")
    assert short.run(3).rows == short.run(3).rows != short.run(4).rows


@pytest.mark.parametrize(
    "loss", ["loss@study.curves.kinder_start.loss=cross_entropy", "study.curves.kinder_start.loss.output=identity"]
)
def test_a_loss_without_a_sigmoid_is_refused(loss: str) -> None:
    with pytest.raises(UserError, match=r"must put a sigmoid on its output; received (CrossEntropy|SquaredError) with"):
        build("study=slow_learning", "study.only=[kinder_start]", loss).run(0)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "study.curves.kinder_start.weights=[1]",
            r"kinder_start\.weights must be a list of 2 finite numbers",
        ),
        ("study.epochs=0", r"study\.epochs must be a whole number"),
        ("study.only=[kinder]", "received kinder: try"),
    ],
)
def test_mistakes_are_refused(override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build("study=slow_learning", override)
