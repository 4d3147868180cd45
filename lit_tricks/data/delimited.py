"""Delimited text files: cells, line numbers and the question whether the first line names the columns."""

import csv
import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from lit_tricks.data.cell_format import Decimal, delimiter, likely_separator, with_points
from lit_tricks.data.labels import as_number, listing
from lit_tricks.errors import UserError

logger = logging.getLogger("lit_tricks")

MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "none", "<na>"})
"""Cells, in lower case, that mean an absent value."""

SAMPLE = 1000
"""Rows that the header detection looks at."""

Header = Literal["auto"] | bool


@dataclass(frozen=True)
class Table:
    """The cells of one file.

    Attributes:
        path: the file.
        cells: strings as they stand in the file, one column per name, indexed by line number from 1.
        has_header: whether the first line named the columns; else they are ``column_0``, ``column_1``, ….
    """

    path: Path
    cells: pd.DataFrame
    has_header: bool
    _numbers: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def names(self) -> list[str]:
        """Column names in file order."""
        return list(self.cells.columns)

    def texts(self, name: str) -> pd.Series:
        """Return a column as strings without surrounding blanks and quotes (" and ')."""
        return _stripped(self.cells[name])

    def numbers(self, name: str) -> np.ndarray:
        """Return a column as (N,) ``float64``, NaN where a cell holds no number."""
        if name not in self._numbers:
            cells = self.cells[name]
            values = _parse(cells)
            unread = np.isnan(values)
            if unread.any():
                values[unread] = _parse(_stripped(cells[unread]))
            self._numbers[name] = values
        return self._numbers[name]

    def missing(self, name: str) -> np.ndarray:
        """Return (N,) booleans: where a cell is empty or one of the words in ``MISSING``."""
        absent = np.isnan(self.numbers(name))
        if absent.any():
            absent[absent] = _stripped(self.cells[name][absent]).str.lower().isin(MISSING)
        return absent


def read_table(path: Path, separator: str = ",", header: Header = "auto", decimal: Decimal = "point") -> Table:
    r"""Read a UTF-8 text file with one row per line; blank lines are skipped.

    A first column without a name, as pandas and R write their row numbers, is left out and said. Python's ``csv``
    parses rather than pandas, which fills up short rows silently. ``separator`` is one character or a word of
    ``SEPARATORS``; with ``decimal="comma"`` numbers such as 1.234,5 are read as such.

    Raises ``UserError`` for text that is not UTF-8, ragged rows, doubled or empty names, an undecidable header.
    """
    if header not in ("auto", True, False):
        raise UserError(f"data.header must be auto, true or false; received {header!r}: try data.header=auto")
    rows, lines = _read_rows(path, separator, decimal)
    rows[0] = [_strip(cell) for cell in rows[0]]
    named = detect_header(rows) if header == "auto" else bool(header)
    if named is None:
        raise UserError(
            f"data.header=auto cannot tell whether the first line of {path} names the columns "
            f"({listing(rows[0])}): try data.header=true or data.header=false"
        )
    if header == "auto":
        found = "the first line names the columns" if named else "no header line; columns are column_0, column_1, …"
        logger.info("%s: %s", path.name, found)
    if not named:
        names = [f"column_{position}" for position in range(len(rows[0]))]
        return Table(path, pd.DataFrame(rows, columns=names, index=lines, dtype=object), has_header=False)
    if len(rows) == 1:
        raise UserError(f"{path} must hold rows below its header; it holds the header line alone")
    cells = pd.DataFrame(rows[1:], columns=_check_names(rows[0], path), index=lines[1:], dtype=object)
    if rows[0][0] == "":
        logger.info("%s: the first column has no name, so it holds row numbers and is left out", path.name)
        cells = cells.iloc[:, 1:]
    return Table(path, cells, has_header=True)


def detect_header(rows: list[list[str]]) -> bool | None:
    """Say whether the first of ``rows`` names the columns; None when it cannot be told.

    Text above a column of numbers makes a header, a number above numbers a row of data; both at once cannot be
    told, unless the numbers count the columns (0, 1, 2, …). Without any column of numbers, a first row whose
    text comes back further down is data; one whose text does not, above columns that repeat theirs, is a header.
    """
    first, *body = [[_strip(cell) for cell in row] for row in rows[: SAMPLE + 1]]
    if not body:
        return all(as_number(cell) is None for cell in first)
    below = [[cell for cell in column if cell.lower() not in MISSING] for column in zip(*body, strict=True)]
    filled = [(cell, column) for cell, column in zip(first, below, strict=True) if cell.lower() not in MISSING]
    is_numeric = [bool(column) and all(as_number(cell) is not None for cell in column) for _, column in filled]
    numbers = [cell for (cell, _), numeric in zip(filled, is_numeric, strict=True) if numeric]
    texts = [pair for pair, numeric in zip(filled, is_numeric, strict=True) if not numeric and pair[1]]
    counted = [cell for cell in numbers if as_number(cell) is not None]
    counts_columns = len(counted) > 1 and counted in ([str(i + start) for i in range(len(counted))] for start in (0, 1))
    if len(counted) < len(numbers):
        return True if not counted or counts_columns else None
    comes_back = any(cell in column for cell, column in texts)
    if counted:
        return counts_columns and counted[0] == "0" and (not comes_back if texts else len(counted) > 3)
    if comes_back:
        return False
    repeats = any(max(Counter(column).values()) > 1 for _, column in texts)
    return True if repeats and len(set(first)) == len(first) else None


def _read_rows(path: Path, separator: str, decimal: Decimal) -> tuple[list[list[str]], list[int]]:
    between = delimiter(separator)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=between, skipinitialspace=between != " ", strict=True)
            for row in reader:
                if not any(row):
                    continue
                rows.append(with_points(row, decimal))
                lines.append(reader.line_num)
                if len(row) != len(rows[0]):
                    other = likely_separator(rows[0][0], between)
                    remedy = f"try data.separator={other}" if other else "correct that line or data.separator"
                    raise UserError(
                        f"every row of {path} must hold {len(rows[0])} values like line {lines[0]}; "
                        f"line {reader.line_num} holds {len(row)}: {remedy}"
                    )
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} must be UTF-8 text; byte {error.object[error.start]:#x} is not: save it as UTF-8"
        ) from error
    except csv.Error as error:
        raise UserError(f"{path} cannot be read as a table: line {reader.line_num}: {error}") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    if not rows:
        raise UserError(f"{path} must hold rows of data; it holds blank lines alone")
    _check_width(rows[0], path, separator)
    return rows, lines


def _parse(cells: pd.Series) -> np.ndarray:
    return np.array(pd.to_numeric(cells, errors="coerce"), dtype=np.float64)


def _stripped(cells: pd.Series) -> pd.Series:
    return cells.map({cell: _strip(cell) for cell in cells.unique()})


def _strip(cell: str) -> str:
    text = cell.strip()
    for quote in ("'", '"'):
        if len(text) > 1 and text[0] == text[-1] == quote:
            return text[1:-1].strip()
    return text


def _check_width(first: list[str], path: Path, separator: str) -> None:
    other = likely_separator(first[0], delimiter(separator))
    if len(first) == 1 and other:
        raise UserError(
            f"{path} must hold at least 2 columns; separator {separator!r} finds 1: try data.separator={other}"
        )


def _check_names(names: list[str], path: Path) -> list[str]:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise UserError(
            f"column names must differ; {path} repeats {listing(repeated)}: rename them, or try data.header=false"
        )
    if "" in names[1:]:
        raise UserError(
            f"every column must have a name; column {names.index('', 1)} (counted from 0) of {path} has none: "
            "name it, or try data.header=false"
        )
    return names
