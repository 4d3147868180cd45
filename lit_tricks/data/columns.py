"""Cells to typed columns: which columns hold numbers, and their values with missing ones marked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lit_tricks.data.cell_format import check_decimals
from lit_tricks.data.delimited import Table
from lit_tricks.data.labels import listing
from lit_tricks.errors import UserError

MISSING_CATEGORY = "missing"
"""The category that stands for an absent value in a categorical column."""

MAX_CATEGORIES = 1000
MANY_NUMBERS = 20


@dataclass(frozen=True)
class Columns:
    """Features of N rows before encoding.

    Attributes:
        numbers: (N, P) ``float64``, missing values NaN.
        texts: (N, Q) strings as objects, missing values ``missing``.
    """

    numbers: np.ndarray
    texts: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: np.ndarray) -> "Columns":
        """Return the given rows."""
        return Columns(self.numbers[rows], self.texts[rows])

    def append(self, other: "Columns") -> "Columns":
        """Return these rows followed by those of ``other``, which has the same columns."""
        return Columns(np.concatenate([self.numbers, other.numbers]), np.concatenate([self.texts, other.texts]))


def split_kinds(table: Table, names: Sequence[str], categorical: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the numeric and the categorical ones of ``names``, both in file order.

    A column whose present values are all numbers is numeric unless ``categorical`` declares it otherwise.
    Raises ``UserError`` for mostly numeric columns with other values in between, and for identifiers: columns of
    text with more than half as many categories as rows (50 are always allowed, ``MAX_CATEGORIES`` at most).
    """
    numeric, text = [], []
    for name in names:
        numbers, missing = table.numbers(name), table.missing(name)
        strange = np.isnan(numbers) & ~missing
        if name not in categorical and not strange.any():
            numeric.append(name)
            continue
        text.append(name)
        present = table.texts(name)[~missing]
        if name not in categorical:
            check_decimals(name, present[strange[~missing]].unique().tolist(), table.path)
        if name not in categorical and strange.sum() * 2 < len(present):
            _check_mixture(table, name, present[strange[~missing]], numbers)
        count = present.nunique()
        if count > min(MAX_CATEGORIES, max(50, len(table) // 2)):
            raise UserError(
                f"a categorical column must repeat its values; column {name!r} of {table.path} holds {count} different "
                f"ones in {len(table)} rows ({listing(present.iloc[:2].tolist())}): try data.drop=[{name}]"
            )
    return numeric, text


def typed_columns(table: Table, numeric: Sequence[str], text: Sequence[str]) -> Columns:
    """Return the named columns typed; raises ``UserError`` with column and line for a value that is no number."""
    numbers = np.empty((len(table), len(numeric)), dtype=np.float64)
    for position, name in enumerate(numeric):
        numbers[:, position] = _numeric_column(table, name)
    texts = np.empty((len(table), len(text)), dtype=object)
    for position, name in enumerate(text):
        texts[:, position] = table.texts(name).mask(table.missing(name), MISSING_CATEGORY)
    return Columns(numbers, texts)


def _check_mixture(table: Table, name: str, strange: pd.Series, numbers: np.ndarray) -> None:
    if len(np.unique(numbers[~np.isnan(numbers)])) > MANY_NUMBERS:
        raise UserError(
            f"a column must hold numbers or categories; column {name!r} of {table.path} holds numbers but "
            f"{strange.iloc[0]!r} in line {strange.index[0]}: correct or empty that cell, "
            f"or try data.categorical=[{name}]"
        )


def _numeric_column(table: Table, name: str) -> np.ndarray:
    cells, values = table.cells[name], table.numbers(name)
    strange = cells[np.isnan(values) & ~table.missing(name)]
    if not strange.empty:
        raise UserError(
            f"column {name!r} must hold numbers; {table.path} holds {strange.iloc[0]!r} in line {strange.index[0]}: "
            "correct that cell or leave it empty"
        )
    huge = cells[np.abs(np.nan_to_num(values, nan=0.0)) > np.finfo(np.float32).max]
    if not huge.empty:
        raise UserError(
            f"numbers must be finite and within float32; column {name!r} of {table.path} holds {huge.iloc[0]!r} "
            f"in line {huge.index[0]}: correct that cell or leave it empty"
        )
    return values
