import json
import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from lit_tricks.data.columns import Columns
from lit_tricks.data.encoder import TableEncoder
from lit_tricks.errors import UserError

NUMERIC = ["n0", "n1", "n2"]
TEXT = ["t0", "t1"]

values = st.one_of(st.just(np.nan), st.integers(-5, 5).map(float), st.floats(-1e6, 1e6))
words = st.sampled_from(["a", "b", "c", "missing", "10", "9"])


def columns(numbers: list[list[float]], texts: list[list[str]]) -> Columns:
    return Columns(np.array(numbers, dtype=np.float64), np.array(texts, dtype=object))


def random_columns(rows: st.SearchStrategy[int]) -> st.SearchStrategy[Columns]:
    def build(count: int) -> st.SearchStrategy[Columns]:
        def lists(cells: st.SearchStrategy, width: int) -> st.SearchStrategy:
            row = st.lists(cells, min_size=width, max_size=width)
            return st.lists(row, min_size=count, max_size=count)

        return st.builds(columns, lists(values, 3), lists(words, 2))

    return rows.flatmap(build)


@settings(deadline=None, max_examples=60)
@given(random_columns(st.integers(1, 12)), random_columns(st.integers(1, 5)))
def test_parity_with_scikit_learn(fitted: Columns, other: Columns) -> None:
    # scikit-learn drops a column without any value, ours keeps it: give each one value.
    fitted.numbers[0] = np.nan_to_num(fitted.numbers[0])
    reference = ColumnTransformer(
        [
            ("numbers", SimpleImputer(strategy="median", add_indicator=True), [0, 1, 2]),
            ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), [3, 4]),
        ]
    )

    def frame(part: Columns) -> np.ndarray:
        return np.concatenate([part.numbers.astype(object), part.texts], axis=1)

    expected = reference.fit_transform(frame(fitted)).astype(np.float32)
    encoder = TableEncoder.fit(fitted, NUMERIC, TEXT)
    np.testing.assert_array_equal(encoder.transform(fitted, "a"), expected)
    rebuilt = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert rebuilt == encoder
    np.testing.assert_array_equal(rebuilt.transform(other, "b"), reference.transform(frame(other)).astype(np.float32))


def test_names_and_order() -> None:
    encoder = TableEncoder.fit(columns([[1, 5], [np.nan, 6]], [["b"], ["a"]]), ["age", "pay"], ["job"])
    assert encoder.feature_names == ("age", "pay", "age is missing", "job=a", "job=b")
    encoded = encoder.transform(columns([[np.nan, np.nan]], [["a"]]), "x")
    assert encoded.dtype == np.float32
    assert encoded.tolist() == [[1, 5.5, 1, 1, 0]]


def test_a_column_without_values_becomes_zero() -> None:
    encoder = TableEncoder.fit(Columns(np.full((2, 1), np.nan), np.empty((2, 0), object)), ["gone"], [])
    assert encoder.transform(Columns(np.array([[np.nan], [4.0]]), np.empty((2, 0), object)), "x").tolist() == [
        [0, 1],
        [4, 0],
    ]


def test_unseen_categories_are_all_zeros_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    encoder = TableEncoder.fit(columns([[1], [2]], [["a", "u"], ["b", "v"]]), ["n"], ["t", "s"])
    encoded = encoder.transform(columns([[1], [1], [1]], [["z", "u"], ["z", "missing"], ["a", "v"]]), "new.csv")
    assert encoded[:, 1:].tolist() == [[0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 1]]
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            logging.WARNING,
            "new.csv: categories unknown to training are encoded as all zeros: t='z' in 2 rows, s='missing' in 1 row",
        )
    ]


def test_known_categories_are_not_said(caplog: pytest.LogCaptureFixture) -> None:
    data = columns([[1], [2]], [["a"], ["b"]])
    TableEncoder.fit(data, ["n"], ["t"]).transform(data, "x")
    assert not caplog.records


def test_an_encoding_beyond_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lit_tricks.data.files.MAX_BYTES", 10)
    data = columns([[1], [2]], [["a"], ["b"]])
    with pytest.raises(UserError, match=r"the encoded table of 2 rows and 3 features needs .*: try data\.drop"):
        TableEncoder.fit(data, ["n"], ["t"]).transform(data, "x")
