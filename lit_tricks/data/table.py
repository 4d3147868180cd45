"""A user's own table: one CSV file, or a training and a test file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch

from lit_tricks.data.cell_format import Decimal
from lit_tricks.data.columns import Columns, split_kinds, typed_columns
from lit_tricks.data.datamodule import ArrayDataModule
from lit_tricks.data.delimited import MISSING, Header, Table, read_table
from lit_tricks.data.encoder import TableEncoder
from lit_tricks.data.files import require_file
from lit_tricks.data.hints import hint_at_identifiers, hint_at_label
from lit_tricks.data.labels import apply_labels, index_labels, listing
from lit_tricks.data.layout import find_column, find_columns, match_columns
from lit_tricks.data.options import Options
from lit_tricks.data.source import Examples, Loaded, Source, named_after
from lit_tricks.errors import UserError


class CSVSource(Source):
    """Reads a delimited text file, categorical and numeric columns with missing values.

    ``load`` puts row numbers, (N, 1) ``int64``, into ``Examples.x``; ``encode`` replaces them by the features,
    (N, D) ``float32``, because medians and categories may come from the training rows alone. Which columns are
    numeric is read from the whole of ``path``.

    Args:
        path: the file.
        label: the label column by name, or by position from 0, negative from the end; None is the last column.
        header: whether the first line names the columns; ``auto`` finds out.
        test_path: the official test split; None leaves the drawing of one to the data module.
        separator: one character between cells, or ``comma``, ``semicolon``, ``tab``, ``pipe``, ``space``.
        categorical: columns, by name or position, to take as categories though they hold numbers.
        drop: columns to leave out, by name or position.
        decimal: ``comma`` for numbers such as 1.234,5.
    """

    kind = "table"

    def __init__(
        self,
        path: str | Path | None = None,
        label: str | int | None = None,
        header: Header = "auto",
        test_path: str | Path | None = None,
        separator: str = ",",
        categorical: Sequence[str | int] = (),
        drop: Sequence[str | int] = (),
        decimal: Decimal = "point",
    ) -> None:
        self.path = path
        self.name = named_after(path, "csv")
        self.label = label
        self.header = header
        self.test_path = test_path
        self.separator = separator
        self.categorical = categorical
        self.drop = drop
        self.decimal = decimal
        self._columns: Columns | None = None
        self._kinds: tuple[list[str], list[str]] = ([], [])
        self._format: dict[str, Any] = {}

    def load(self) -> Loaded:
        """Return row numbers with labels; raises ``UserError`` for what is wrong with the files or the words."""
        table = self._read(self.path, "data.path", self.header)
        label = find_column(table, -1 if self.label is None else self.label, "data.label")
        self._kinds = self._feature_kinds(table, label)
        labels, where = _labels(table, label)
        indices, class_names = index_labels(labels, where, "try data.label=NAME with another column")
        hint_at_identifiers(table, self._kinds[0])
        self._columns = typed_columns(table, *self._kinds)
        self._format = {
            "format": "csv",
            "header": table.has_header,
            "separator": self.separator,
            "decimal": self.decimal,
            "columns": table.names,
            "label": label,
        }
        train = _numbered(apply_labels(labels, where, indices), 0)
        hint_at_label(table, label, np.bincount(train.y.numpy(), minlength=len(class_names)))
        return Loaded(train, self._load_test(table, label, indices), class_names)

    def encode(self, loaded: Loaded, train_rows: np.ndarray) -> Loaded:
        """Return ``loaded`` with row numbers replaced by features, encoded by the training rows alone."""
        if self._columns is None:
            raise RuntimeError("encode() needs what load() read: call load() first")
        fitted = self._columns.take(loaded.train.x[:, 0].numpy()[train_rows])
        encoder = TableEncoder.fit(fitted, *self._kinds)
        features = torch.from_numpy(encoder.transform(self._columns, str(self.path)))

        def encoded(examples: Examples) -> Examples:
            # ``load`` numbers the rows of a file one after the other
            return Examples(features.narrow(0, int(examples.x[0, 0]), len(examples)), examples.y)

        return Loaded(
            train=encoded(loaded.train),
            test=None if loaded.test is None else encoded(loaded.test),
            class_names=loaded.class_names,
            encoding={**self._format, "feature_names": list(encoder.feature_names), "encoder": encoder.to_dict()},
        )

    def _read(self, path: str | Path | None, knob: str, header: Header) -> Table:
        return read_table(require_file(path, knob, "data=csv"), self.separator, header, self.decimal)

    def _feature_kinds(self, table: Table, label: str) -> tuple[list[str], list[str]]:
        dropped = find_columns(table, self.drop, "data.drop")
        categorical = find_columns(table, self.categorical, "data.categorical")
        names = [name for name in table.names if name != label and name not in dropped]
        if not names:
            raise UserError(
                f"a table needs a feature besides the label; {table.path} has the columns {listing(table.names)}: "
                "check data.separator and data.drop"
            )
        return split_kinds(table, names, sorted(categorical))

    def _load_test(self, table: Table, label: str, indices: dict[str, int]) -> Examples | None:
        """Read the test file and append its rows to the columns, where the encoder finds them."""
        if self.test_path is None or self._columns is None:
            return None
        test = self._read(self.test_path, "data.test_path", table.has_header)
        test = match_columns(test, table.names, [*self._kinds[0], *self._kinds[1], label], label)
        start = len(self._columns)
        self._columns = self._columns.append(typed_columns(test, *self._kinds))
        return _numbered(apply_labels(*_labels(test, label), indices), start)


class CSVDataModule(ArrayDataModule):
    """A user's table as batches; arguments as in ``CSVSource``, then those of ``ArrayDataModule``."""

    def __init__(
        self,
        path: str | Path | None = None,
        label: str | int | None = None,
        header: Header = "auto",
        test_path: str | Path | None = None,
        separator: str = ",",
        categorical: Sequence[str | int] = (),
        drop: Sequence[str | int] = (),
        decimal: Decimal = "point",
        **common: Unpack[Options],
    ) -> None:
        super().__init__(CSVSource(path, label, header, test_path, separator, categorical, drop, decimal), **common)


def _labels(table: Table, label: str) -> tuple[np.ndarray, str]:
    """Return (N,) label strings and what they are for a message; ``none`` is a class, an empty cell is not."""
    cells = table.texts(label)
    absent = cells[cells.str.lower().isin(MISSING - {"none"})]
    if not absent.empty:
        raise UserError(
            f"every row needs a label; {len(absent)} of {len(cells)} rows of {table.path} have none in column "
            f"{label!r} (lines {listing(absent.index.tolist())}): fill them in or delete those lines"
        )
    return cells.to_numpy(dtype=object), f"column {label!r} of {table.path}"


def _numbered(y: np.ndarray, start: int) -> Examples:
    rows = torch.arange(start, start + len(y), dtype=torch.int64)
    return Examples(rows.unsqueeze(1), torch.from_numpy(y))
