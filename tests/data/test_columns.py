from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lit_tricks.data.columns import Columns, split_kinds, typed_columns
from lit_tricks.data.delimited import Table
from lit_tricks.errors import UserError


def table(**columns: list[str]) -> Table:
    cells = pd.DataFrame(columns, dtype=object)
    cells.index += 2
    return Table(Path("a.csv"), cells, has_header=True)


def test_numbers_are_numeric_and_words_categorical() -> None:
    kinds = split_kinds(
        table(
            number=["1", "-2.5e3", "'3'"],
            holes=["1", "?", ""],
            nothing=["", "NA", "?"],
            constant=["7", "7", "7"],
            truth=["True", "False", "True"],
            grade=["1", "2", "3+"],
            declared=["1", "2", "1"],
        ),
        ["number", "holes", "nothing", "constant", "truth", "grade", "declared"],
        ["declared"],
    )
    assert kinds == (["number", "holes", "nothing", "constant"], ["truth", "grade", "declared"])


def test_a_slip_among_many_numbers_is_named() -> None:
    slipped = table(age=[*(str(i) for i in range(30)), "3o"])
    with pytest.raises(
        UserError, match=r"'age' of a\.csv holds numbers but '3o' in line 32: .*data\.categorical=\[age"
    ):
        split_kinds(slipped, ["age"], [])
    assert split_kinds(slipped, ["age"], ["age"]) == ([], ["age"])


@pytest.mark.parametrize(("different", "rows", "refused"), [(50, 50, False), (51, 51, True), (60, 120, False)])
def test_identifiers_are_refused(different: int, rows: int, refused: bool) -> None:
    names = table(name=[f"n{i % different}" for i in range(rows)])
    if not refused:
        assert split_kinds(names, ["name"], []) == ([], ["name"])
        return
    with pytest.raises(UserError, match=r"'name' .* 51 different ones in 51 rows \(n0, n1\): try data\.drop=\[name\]"):
        split_kinds(names, ["name"], [])


def test_typed_columns_mark_what_is_missing() -> None:
    columns = typed_columns(table(a=["1", "?", " 3 "], b=["x", "", "'y'"], c=["4", "5", "6"]), ["a", "c"], ["b"])
    np.testing.assert_array_equal(columns.numbers, [[1, 4], [np.nan, 5], [3, 6]])
    assert columns.texts.tolist() == [["x"], ["missing"], ["y"]]
    assert len(columns) == 3


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e999", "-1e39"])
def test_infinity_is_placed(value: str) -> None:
    with pytest.raises(UserError, match=f"finite and within float32; column 'a' of a.csv holds '{value}' in line 3"):
        typed_columns(table(a=["1", value]), ["a"], [])


def test_a_word_in_a_numeric_column_is_placed() -> None:
    with pytest.raises(UserError, match=r"column 'a' must hold numbers; a\.csv holds 'x' in line 3"):
        typed_columns(table(a=["1", "x"]), ["a"], [])


def test_take_and_append() -> None:
    columns = Columns(np.array([[1.0], [2.0]]), np.array([["x"], ["y"]], dtype=object))
    twice = columns.append(columns.take(np.array([1, 0])))
    assert twice.numbers.tolist() == [[1], [2], [2], [1]]
    assert twice.texts.tolist() == [["x"], ["y"], ["y"], ["x"]]
