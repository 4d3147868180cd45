"""Typed columns to a matrix of numbers, with everything fitted held as primitives."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lit_tricks.data.columns import Columns
from lit_tricks.data.files import check_bytes
from lit_tricks.data.labels import listing

logger = logging.getLogger("lit_tricks")


@dataclass(frozen=True)
class TableEncoder:
    """Medians for missing numbers, indicators that they were missing, one output per category.

    The output columns are those of scikit-learn's ``ColumnTransformer`` over
    ``SimpleImputer(strategy="median", add_indicator=True)`` for the numbers and
    ``OneHotEncoder(handle_unknown="ignore")`` for the categories, in this order. Two deviations: a numeric column
    without any value in the fitted rows stays, filled with 0, and an unseen category is said in the log.

    Attributes:
        numeric: names of the numeric columns.
        medians: one for each numeric column.
        indicated: numeric columns that had missing values when fitted; each gets an indicator output.
        categories: for each categorical column its sorted categories; ``missing`` is one where values were absent.
    """

    numeric: tuple[str, ...]
    medians: tuple[float, ...]
    indicated: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def fit(cls, columns: Columns, numeric: Sequence[str], text: Sequence[str]) -> "TableEncoder":
        """Return the encoder for the rows of ``columns``, and for no others."""
        absent = np.isnan(columns.numbers)
        medians = [
            float(np.median(values[~gone])) if not gone.all() else 0.0
            for values, gone in zip(columns.numbers.T, absent.T, strict=True)
        ]
        indicated = [name for name, gone in zip(numeric, absent.T, strict=True) if gone.any()]
        categories = {name: tuple(sorted(set(values))) for name, values in zip(text, columns.texts.T, strict=True)}
        return cls(tuple(numeric), tuple(medians), tuple(indicated), categories)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name per output column: ``age``, ``age is missing``, ``purpose=A43``."""
        one_hot = [f"{name}={category}" for name, known in self.categories.items() for category in known]
        return (*self.numeric, *(f"{name} is missing" for name in self.indicated), *one_hot)

    def transform(self, columns: Columns, where: str) -> np.ndarray:
        """Return (N, len(feature_names)) ``float32``.

        A category that was not fitted becomes all zeros; one warning in the log ``lit_tricks`` then names column,
        value and count, and ``where`` (a file).
        """
        width = len(self.feature_names)
        what = f"the encoded table of {len(columns)} rows and {width} features"
        check_bytes(len(columns) * width * 4, what, "try data.drop=[COLUMN]")
        encoded = np.zeros((len(columns), width), dtype=np.float32)
        absent = np.isnan(columns.numbers)
        indicators = len(self.numeric)
        encoded[:, :indicators] = np.where(absent, np.array(self.medians), columns.numbers)
        start = indicators + len(self.indicated)
        encoded[:, indicators:start] = absent[:, [name in self.indicated for name in self.numeric]]
        unseen: list[str] = []
        for (name, known), values in zip(self.categories.items(), columns.texts.T, strict=True):
            codes = pd.Index(known, dtype=object).get_indexer(values)
            seen = np.flatnonzero(codes >= 0)
            encoded[seen, start + codes[seen]] = 1.0
            strange = Counter(values[codes < 0])
            unseen += [f"{name}={value!r} in {count} row{'s'[: count - 1]}" for value, count in strange.items()]
            start += len(known)
        if unseen:
            logger.warning("%s: categories unknown to training are encoded as all zeros: %s", where, listing(unseen))
        return encoded

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted state as nested primitives."""
        return {
            "numeric": list(self.numeric),
            "medians": list(self.medians),
            "indicated": list(self.indicated),
            "categories": {name: list(known) for name, known in self.categories.items()},
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "TableEncoder":
        """Rebuild the encoder that ``to_dict`` wrote, also after a trip through JSON."""
        return cls(
            tuple(state["numeric"]),
            tuple(float(value) for value in state["medians"]),
            tuple(state["indicated"]),
            {name: tuple(known) for name, known in state["categories"].items()},
        )
