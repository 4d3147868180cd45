import logging
from pathlib import Path

import pytest

from lit_tricks.data.table import CSVSource


def hints(
    folder: Path, caplog: pytest.LogCaptureFixture, rows: list[str], header: str | None, **options: object
) -> str:
    path = folder / "a.csv"
    path.write_text("\n".join([*([header] if header else []), *rows]) + "\n", encoding="utf-8")
    caplog.set_level(logging.INFO, "lit_tricks")
    CSVSource(path, header=header is not None, **options).load()  # type: ignore[arg-type]
    said = [record.getMessage() for record in caplog.records if "data." in record.getMessage()]
    assert len(said) <= 1
    return said[0] if said else ""


def test_a_column_of_dates_is_probably_not_the_label(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [f"{i % 7},{i % 2},2024-02-{1 + i % 28:02d}" for i in range(300)]
    assert hints(tmp_path, caplog, rows, "a,class,date") == (
        "a.csv: label column 'date' has 28 classes in 300 rows: if another column holds the class, try data.label=NAME"
    )


def test_a_class_of_one_row_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [f"{i % 7},{'odd' if i == 5 else 'usual' if i % 2 else 'other'}" for i in range(30)]
    assert "'y' has 3 classes in 30 rows, 1 of them with a single row: if" in hints(tmp_path, caplog, rows, "a,y")


@pytest.mark.parametrize(("classes", "rows"), [(20, 100), (26, 520), (2, 10)])
def test_labels_that_repeat_are_no_matter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, classes: int, rows: int
) -> None:
    assert hints(tmp_path, caplog, [f"{i % 7},c{i % classes}" for i in range(rows)], "a,y") == ""


@pytest.mark.parametrize("name", ["id", "Id", "ID", "index", "row_id", "patient id", "PassengerId", "Unnamed: 0", "no"])
@pytest.mark.parametrize("step", [1, -7])
def test_a_column_that_numbers_the_rows(tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, step: int) -> None:
    rows = [f"{1000 + step * i},{i % 3},{i % 2}" for i in range(20)]
    assert hints(tmp_path, caplog, rows, f"{name},x,y") == (
        f"a.csv: column '{name}' seems to number the rows, which teaches nothing about new ones: try data.drop=[{name}]"
    )


def test_several_columns_and_files_without_names(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [f"{i},{i % 3},{i + 7},{i % 2}" for i in range(20)]
    assert "columns 'id', 'index' seem to" in hints(tmp_path, caplog, rows, "id,x,index,y")
    caplog.clear()
    assert "try data.drop=[column_0,column_2]" in hints(tmp_path, caplog, rows, None)


@pytest.mark.parametrize(
    ("rows", "header", "options"),
    [
        ([f"{i},{i % 2}" for i in range(20)], "age,y", {}),
        ([f"{i // 2},{i % 2}" for i in range(20)], "id,y", {}),
        ([f"{i + 0.5},{i % 2}" for i in range(20)], "id,y", {}),
        ([f"{'' if i == 3 else i},{i % 2}" for i in range(20)], "id,y", {}),
        ([f"{i},{i % 2}" for i in range(9)], "id,y", {}),
        ([f"{2 * i},{i % 2}" for i in range(20)], None, {}),
        ([f"{i},{i % 3},{i % 2}" for i in range(20)], "id,x,y", {"drop": ["id"]}),
        ([f"{i},{i % 2}" for i in range(20)], "humid,y", {}),
        ([f"{i},{i % 2}" for i in range(20)], "valid,y", {}),
    ],
)
def test_columns_that_mean_something(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, rows: list[str], header: str | None, options: dict
) -> None:
    assert hints(tmp_path, caplog, rows, header, **options) == ""
