from pathlib import Path

import pandas as pd
import pytest

from lit_tricks.data.delimited import Table
from lit_tricks.data.layout import find_column, find_columns, match_columns
from lit_tricks.errors import UserError


def table(*names: str, has_header: bool = True) -> Table:
    return Table(Path("b.csv"), pd.DataFrame([[f"<{name}>" for name in names]], columns=list(names)), has_header)


@pytest.mark.parametrize(
    ("reference", "expected"), [("pay", "pay"), (0, "age"), (-1, "y"), (-3, "age"), ("1", "pay"), ("-2", "pay")]
)
def test_by_name_or_position(reference: str | int, expected: str) -> None:
    assert find_column(table("age", "pay", "y"), reference, "data.label") == expected


def test_a_name_goes_before_a_position() -> None:
    assert find_column(table("1", "0"), "0", "data.label") == "0"
    assert find_column(table("1", "0"), 0, "data.label") == "1"


def test_an_absent_column_gets_the_nearest_match() -> None:
    with pytest.raises(UserError, match=r"columns are age, pay, y: did you mean data\.label=pay\?"):
        find_column(table("age", "pay", "y"), "payy", "data.label")
    with pytest.raises(UserError, match=r"columns are age, pay, y: try data\.label=y"):
        find_column(table("age", "pay", "y"), "zzzzz", "data.label")
    with pytest.raises(UserError, match=r"from -3 to 2 in b\.csv; received 3"):
        find_column(table("age", "pay", "y"), 3, "data.label")


def test_one_or_several_columns() -> None:
    assert find_columns(table("age", "pay"), "pay", "data.drop") == {"pay"}
    assert find_columns(table("age", "pay"), ["pay", 0], "data.drop") == {"pay", "age"}
    assert find_columns(table("age", "pay"), [], "data.drop") == set()


def test_with_a_header_names_decide() -> None:
    matched = match_columns(table("y", "more", "pay", "age"), ["age", "pay", "y"], ["age", "pay"], "y")
    assert matched.cells[["age", "pay"]].to_numpy().tolist() == [["<age>", "<pay>"]]
    with pytest.raises(UserError, match=r"missing: pay, y \(found: age, more\)"):
        match_columns(table("age", "more"), ["age", "pay", "y"], ["age", "pay", "y"], "y")


def test_without_a_header_positions_decide() -> None:
    names = ["column_0", "column_1", "column_2"]
    used = ["column_0", "column_2"]
    full = table("a", "b", "c", has_header=False)
    assert match_columns(full, names, used, "column_1").cells["column_2"].tolist() == ["<c>"]
    short = table("a", "b", has_header=False)
    assert match_columns(short, names, used, "column_1").cells["column_2"].tolist() == ["<b>"]
    with pytest.raises(UserError, match=r"must hold 3 columns like the training file; it holds 2"):
        match_columns(short, names, [*used, "column_1"], "column_1")
    with pytest.raises(
        UserError, match=r"must hold 3 or 2 columns .*\(with or without the label column_1\); it holds 1"
    ):
        match_columns(table("a", has_header=False), names, used, "column_1")
