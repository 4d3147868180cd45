from typing import Any

import pytest
import torch

from lit_tricks.data import checks
from lit_tricks.data.checks import check_every_class, check_inputs, check_labels
from lit_tricks.data.source import Examples, Loaded
from lit_tricks.errors import UserError


def examples(labels: list[int], rows: int | None = None) -> Examples:
    return Examples(torch.zeros(len(labels) if rows is None else rows, 3), torch.tensor(labels, dtype=torch.int64))


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (examples([0, 1, 3]), None, r"labels must lie in 0\.\.2 for 3 classes; received 0\.\.3 in the training data"),
        (examples([0, -1, 2]), None, r"received -1\.\.2 in the training data: number the classes from 0"),
        (examples([0, 1, 2]), examples([0, 7]), r"received 0\.\.7 in the test data"),
        (examples([1, 1, 1]), None, r"at least 2 classes in the training data; received only 'b'"),
        (examples([]), None, r"the training data must not be empty"),
        (examples([0, 1]), examples([]), r"the test data must not be empty"),
        (examples([0, 1], rows=3), None, r"received 3 inputs and 2 labels in the training data"),
        (Examples(torch.zeros(2, 3), torch.tensor([0.0, 1.0])), None, r"received torch\.float32 of shape \(2,\)"),
        (Examples(torch.zeros(2, 3), torch.tensor([[0], [1]])), None, r"received torch\.int64 of shape \(2, 1\)"),
    ],
)
def test_wrong_labels_are_refused(train: Examples, test: Examples | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_labels(Loaded(train, test, ("a", "b", "c")))


def test_right_labels_pass() -> None:
    check_labels(Loaded(examples([0, 1, 2]), examples([2]), ("a", "b", "c")))
    check_labels(Loaded(examples([0, 2]), None, ("a", "b", "c")))


@pytest.mark.parametrize(
    ("where", "value", "arguments", "message"),
    [
        (
            [(2, 1)],
            float("nan"),
            (),
            r"received 1 NaN or infinite value in the training data, the first in row 2, column 1",
        ),
        ([(3, 2), (1, 0)], float("inf"), (), r"received 2 NaN or infinite values .* the first in row 1, column 0"),
        ([(2, 1)], float("-inf"), (["x", "age", "z"],), r"row 2, column 'age': remove or fill them"),
    ],
)
def test_inputs_that_are_not_finite_are_counted_and_placed(
    where: list[tuple[int, int]], value: float, arguments: tuple[Any, ...], message: str
) -> None:
    given = examples([0, 1, 0, 1])
    for row, column in where:
        given.x[row, column] = value
    with pytest.raises(UserError, match=message):
        check_inputs(given, "training", *arguments)


def test_a_pixel_that_is_not_finite_is_placed() -> None:
    x = torch.zeros(2, 1, 4, 4)
    x[1, 0, 2, 3] = float("nan")
    with pytest.raises(UserError, match=r"row 1, position \(0, 2, 3\)"):
        check_inputs(Examples(x, torch.tensor([0, 1])), "test")


@pytest.mark.parametrize("values", [1, 7, 10**6])
def test_inputs_are_looked_at_in_pieces(values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_CHUNK_VALUES", values)
    x = torch.zeros(9, 3)
    x[4, 1] = x[8, 0] = x[8, 2] = float("nan")
    message = r"received 3 NaN or infinite values in the training data, the first in row 4, column 1"
    with pytest.raises(UserError, match=message):
        check_inputs(Examples(x, torch.zeros(9, dtype=torch.int64)), "training")


def test_finite_inputs_and_bytes_pass() -> None:
    check_inputs(examples([0, 1]), "training")
    check_inputs(Examples(torch.zeros(2, 1, 2, 2, dtype=torch.uint8), torch.tensor([0, 1])), "training")


def test_classes_without_training_examples_are_named() -> None:
    with pytest.raises(UserError, match=r"a training example; 'b' has none among 3: try data\.val_split=stratified"):
        check_every_class(torch.tensor([0, 0, 2]), ("a", "b", "c"))
    with pytest.raises(UserError, match=r"'b', 'c' have none among 2"):
        check_every_class(torch.tensor([0, 0]), ("a", "b", "c"))
    check_every_class(torch.tensor([0, 1, 2]), ("a", "b", "c"))
