import io
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_tricks.data.delimited import Table, detect_header, read_table
from lit_tricks.errors import UserError


def write(folder: Path, text: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def read(folder: Path, text: str, **options: object) -> Table:
    return read_table(write(folder, text), **options)  # type: ignore[arg-type]


def rows(text: str) -> list[list[str]]:
    return [line.split(",") for line in text.split()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age,job,y 31,cook,0 22,smith,1", True),
        ("31,cook,0 22,smith,1 44,cook,1", False),
        ("a,b 1,2 3,4", True),
        ("1,2 3,4", False),
        ("5.1,3.5,setosa 4.9,3.0,setosa 6.0,3.1,virginica", False),
        ("5.1,3.5,unique 4.9,3.0,setosa 6.0,3.1,setosa", False),
        # an unnamed column of row numbers, as pandas writes it
        (",a,y 0,1.5,u 1,2.5,v", True),
        # columns named by their position, as pandas and Kaggle write arrays
        ("label,0,1,2 5,0,3,4 1,9,2,4", True),
        ("0,1,2,species 5.1,3.5,1.4,setosa 4.9,3,1.4,setosa", True),
        ("0,1,2,3,4 5,0,3,4,1 1,9,2,4,0", True),
        ("0,1,1 5,0,1 1,9,0", False),
        # text alone: does the first row come back?
        ("class,cap p,x e,x p,b", True),
        ("p,x e,x p,b e,c", False),
        ("alice,red bob,blue", None),
        # text above numbers, and numbers that are no names
        ("5.1,unknown,1 4.9,3.0,0 4.8,3.1,1", None),
        ("7,?,1 4.9,3.0,0 4.8,3.1,1", False),
        ("a,b,y ?,2,0 3,NA,1", True),
        ("a,b", True),
        ("a,1", False),
        ("a,a x,y x,z", None),
    ],
)
def test_detect_header(text: str, expected: bool | None) -> None:
    assert detect_header(rows(text)) is expected


def test_an_undecidable_header_asks(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot tell .*\(alice, red\): try data\.header=true or data\.header=false"):
        read(tmp_path, "alice,red\nbob,blue\n")
    assert read(tmp_path, "alice,red\nbob,blue\n", header=False).names == ["column_0", "column_1"]
    assert read(tmp_path, "alice,red\nbob,blue\n", header=True).names == ["alice", "red"]


def test_what_was_detected_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lit_tricks")
    read(tmp_path, "1,2\n3,4\n")
    read(tmp_path, "a,b\n3,4\n")
    assert "a.csv: no header line; columns are column_0, column_1, …" in caplog.text
    assert "a.csv: the first line names the columns" in caplog.text


def test_real_files_have_no_header(data_root: Path) -> None:
    shapes = {"german": (1000, 21), "mammography": (11183, 7), "haberman": (306, 4), "glass": (214, 10)}
    for name, shape in shapes.items():
        table = read_table(data_root / "tabular" / f"{name}.csv")
        assert (table.has_header, table.cells.shape) == (False, shape)


def test_cells_quotes_blanks_and_line_numbers(tmp_path: Path) -> None:
    table = read(tmp_path, "\ufeffa, b ,c\r\n\r\n'-1', \"x, y\",1\r\n2,\" 'z' \", NA \r\n")
    assert table.names == ["a", "b", "c"]
    assert table.cells.index.tolist() == [3, 4]
    assert table.texts("b").tolist() == ["x, y", "z"]
    assert table.numbers("a").tolist() == [-1, 2]
    assert table.missing("c").tolist() == [False, True]


def test_a_quoted_line_break_keeps_line_numbers(tmp_path: Path) -> None:
    assert read(tmp_path, 'a,b\n"x\ny",1\nz,2\n').cells.index.tolist() == [3, 4]


@pytest.mark.parametrize("word", ["", "?", "NA", "n/a", "NaN", "null", "None", "<NA>", "' '"])
def test_words_for_nothing(tmp_path: Path, word: str) -> None:
    assert read(tmp_path, f"a,b\n1,2\n{word},4\n").missing("a").tolist() == [False, True]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_are_read_as_python_reads_them(values: list[float]) -> None:
    table = Table(Path("a"), pd.DataFrame({"a": [repr(value) for value in values]}, dtype=object), True)
    np.testing.assert_allclose(table.numbers("a"), values, rtol=1e-15, atol=0)


@pytest.mark.parametrize("separator", [";", "\t", "\\t", "tab", "|", "semicolon", "pipe", "space"])
def test_separators(tmp_path: Path, separator: str) -> None:
    between = {"\\t": "\t", "tab": "\t", "semicolon": ";", "pipe": "|", "space": " "}.get(separator, separator)
    assert read(tmp_path, f"a{between}b\n1{between}2\n", separator=separator).names == ["a", "b"]


def test_a_wrong_separator_names_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"separator ',' finds 1: try data\.separator=semicolon$"):
        read(tmp_path, "a;b\n1;2\n")
    with pytest.raises(UserError, match=r"line 2 holds 3: try data\.separator=semicolon$"):
        read(tmp_path, "a;b\n1,5;2,5\n")
    with pytest.raises(UserError, match=r"must be one character or comma, .*; received ';;'"):
        read(tmp_path, "a;b\n1;2\n", separator=";;")


def test_decimal_commas_are_read_as_pandas_reads_them(tmp_path: Path) -> None:
    text = "a;b;c\n1,5;-1.234,25;x\n2;1 000,5;1,y\n-0,5e3;+7,125;z\n"
    table = read(tmp_path, text, separator="semicolon", decimal="comma")
    there = pd.read_csv(io.StringIO(text.replace("1 000", "1.000")), sep=";", decimal=",", thousands=".")
    np.testing.assert_array_equal(table.numbers("a"), there["a"])
    np.testing.assert_array_equal(table.numbers("b"), there["b"])
    assert list(table.texts("c")) == ["x", "1,y", "z"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n\n3\n", "must hold 2 values like line 1; line 4 holds 1"),
        ("a,b\n1,2,3\n", "must hold 2 values like line 1; line 2 holds 3"),
        ("a,b,a\n1,2,3\n", "names must differ; .* repeats a: "),
        ("a,,c\n1,2,3\n", r"column 1 \(counted from 0\) of .* has none"),
        ("a,b\n", "must hold rows below its header"),
        ("\n\n", "blank lines alone"),
        ('a,b\n"x,1\n', "cannot be read as a table: line 2: unexpected end of data"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("a,b\nK\u00f6ln,1\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"latin\.csv must be UTF-8 text; byte 0xf6 is not"):
        read_table(path)


def test_a_wrong_header_word(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be auto, true or false; received 'yes'"):
        read(tmp_path, "a,b\n1,2\n", header="yes")


def test_row_numbers_without_a_name_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lit_tricks")
    assert read(tmp_path, ",a,y\n7,1.5,u\n3,2.5,v\n").names == ["a", "y"]
    assert "the first column has no name, so it holds row numbers and is left out" in caplog.text
