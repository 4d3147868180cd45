import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.preprocessing import OneHotEncoder

from lit_tricks.data.source import Loaded
from lit_tricks.data.spec import DataSpec
from lit_tricks.data.table import CSVDataModule, CSVSource
from lit_tricks.errors import UserError

PEOPLE = "age,job,pay,y\n" + "".join(
    f"{age},{job},{pay},{label}\n"
    for age, job, pay, label in [
        (20, "cook", "1.5", "no"),
        (30, "smith", "?", "yes"),
        (40, "", "3.5", "no"),
        (50, "cook", "9.5", "yes"),
        ("NA", "baker", "2.5", "no"),
        (70, "smith", "7.5", "yes"),
    ]
)


def write(folder: Path, text: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def encoded(source: CSVSource, train_rows: list[int]) -> Loaded:
    return source.encode(source.load(), np.array(train_rows))


def test_statistics_come_from_the_training_rows_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loaded = encoded(CSVSource(write(tmp_path, PEOPLE)), [0, 1, 3])
    names = ["age", "pay", "pay is missing", "job=cook", "job=smith"]
    assert loaded.encoding["feature_names"] == names
    expected = [
        [20, 1.5, 0, 1, 0],
        [30, 5.5, 1, 0, 1],
        [40, 3.5, 0, 0, 0],
        [50, 9.5, 0, 1, 0],
        [30, 2.5, 0, 0, 0],
        [70, 7.5, 0, 0, 1],
    ]
    torch.testing.assert_close(loaded.train.x, torch.tensor(expected, dtype=torch.float32))
    assert (loaded.class_names, loaded.train.y.tolist()) == (("no", "yes"), [0, 1, 0, 1, 0, 1])
    assert "job='missing' in 1 row, job='baker' in 1 row" in caplog.text


def test_encode_leaves_what_load_returned(tmp_path: Path) -> None:
    source = CSVSource(write(tmp_path, PEOPLE))
    loaded = source.load()
    first = source.encode(loaded, np.array([0, 1]))
    assert loaded.train.x.dtype == torch.int64
    assert torch.equal(source.encode(loaded, np.array([0, 1])).train.x, first.train.x)
    with pytest.raises(RuntimeError, match="call load"):
        CSVSource("a.csv").encode(loaded, np.array([0]))


@pytest.mark.parametrize(("label", "classes"), [("job", ("baker", "cook", "smith")), (1, ("baker", "cook", "smith"))])
def test_label_by_name_or_position(tmp_path: Path, label: str | int, classes: tuple[str, ...]) -> None:
    loaded = CSVSource(write(tmp_path, PEOPLE.replace(",,", ",cook,")), label=label).load()
    assert loaded.class_names == classes


def test_dropped_and_declared_columns(tmp_path: Path) -> None:
    loaded = encoded(CSVSource(write(tmp_path, PEOPLE), drop=["job"], categorical="pay"), [0, 1])
    assert loaded.encoding["feature_names"] == ["age", "pay=1.5", "pay=missing"]


def test_an_official_test_file_is_encoded_and_never_fitted(tmp_path: Path) -> None:
    test = write(tmp_path, "y,more,pay,job,age\nyes,1,100,pilot,\nno,2,?,cook,25\n", "b.csv")
    loaded = encoded(CSVSource(write(tmp_path, PEOPLE), test_path=test), [0, 1, 3])
    assert loaded.test is not None
    assert loaded.test.x.tolist() == [[30, 100, 0, 0, 0], [25, 5.5, 1, 1, 0]]
    assert loaded.test.y.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("age,pay,y\n1,2,no\n", r"b\.csv must hold the columns of the training file; missing: job"),
        ("age,job,pay\n1,cook,2\n", "missing: y"),
        ("age,job,pay,y\n1,cook,2,maybe\n", r"column 'y' of .*b\.csv also holds maybe"),
        ("age,job,pay,y\n1,cook,2,no\n1,cook,x,no\n", r"column 'pay' must hold numbers; .*b\.csv holds 'x' in line 3"),
    ],
)
def test_a_test_file_that_does_not_fit(tmp_path: Path, test: str, message: str) -> None:
    source = CSVSource(write(tmp_path, PEOPLE), test_path=write(tmp_path, test, "b.csv"))
    with pytest.raises(UserError, match=message):
        source.load()


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (PEOPLE, {"label": "jbo"}, r"received 'jbo', columns are age, job, pay, y: did you mean data\.label=job"),
        (PEOPLE.replace("40,,3.5,no", "40,,3.5,"), {}, r"1 of 6 rows of .* have none in column 'y' \(lines 4\)"),
        (PEOPLE, {"label": "pay", "drop": ["y"]}, r"have none in column 'pay' \(lines 3\)"),
        (PEOPLE.replace("NA", "60"), {"label": "age"}, "6 different values in 6 rows, probably a number to predict"),
        (PEOPLE.replace("9.5", "inf"), {}, "column 'pay' of .* holds 'inf' in line 5"),
        (PEOPLE.replace("yes", "no"), {}, "at least 2 classes; column 'y' of .* holds only 'no'"),
        (PEOPLE, {"drop": ["age", "job", "pay"]}, "needs a feature besides the label"),
        (PEOPLE, {"categorical": ["jobb"]}, r"did you mean data\.categorical=job"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        CSVSource(write(tmp_path, text), **options).load()


def test_no_path() -> None:
    with pytest.raises(UserError, match=r"data=csv needs data\.path=FILE; received none"):
        CSVSource().load()


def test_none_is_a_class_and_a_category(tmp_path: Path) -> None:
    text = "a,b,y\n" + "1,None,None\n2,x,mild\n" * 3
    loaded = encoded(CSVSource(write(tmp_path, text)), [0, 1])
    assert loaded.class_names == ("None", "mild")
    assert loaded.encoding["feature_names"] == ["a", "b=missing", "b=x"]


# name: features once encoded from all rows, class names, examples per class
REAL = {
    "german": (61, ("1", "2"), [700, 300]),
    "mammography": (6, ("-1", "1"), [10923, 260]),
    "haberman": (3, ("1", "2"), [225, 81]),
    "glass": (9, ("1", "2", "3", "5", "6", "7"), [70, 76, 17, 13, 9, 29]),
}


@pytest.mark.parametrize("name", REAL)
def test_real_tables(data_root: Path, name: str) -> None:
    source = CSVSource(data_root / "tabular" / f"{name}.csv")
    loaded = source.load()
    full = source.encode(loaded, np.arange(len(loaded.train)))
    width, class_names, counts = REAL[name]
    assert full.train.x.shape == (sum(counts), width)
    assert full.class_names == class_names
    assert torch.bincount(full.train.y).tolist() == counts


def test_german_against_scikit_learn(data_root: Path) -> None:
    path = data_root / "tabular" / "german.csv"
    cells = np.loadtxt(path, dtype=str, delimiter=",")
    text = [position for position in range(20) if not cells[0, position].isdigit()]
    number = [position for position in range(20) if position not in text]
    rows = np.arange(0, 1000, 3)
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(cells[rows][:, text])
    expected = np.concatenate([cells[:, number].astype(np.float32), hot.transform(cells[:, text])], axis=1)
    loaded = encoded(CSVSource(path), rows.tolist())
    np.testing.assert_array_equal(loaded.train.x.numpy(), expected.astype(np.float32))


def test_data_module(tmp_path: Path) -> None:
    path = write(
        tmp_path, "age,job,y\n" + "".join(f"{i},{'ab'[i % 2]},{'no' if i % 3 else 'yes'}\n" for i in range(60))
    )
    data = CSVDataModule(path, label="y", batch_size=7, val_size=0.2, normalise="standard")
    data.setup()
    assert (data.spec.name, data.spec.kind, data.spec.input_shape) == ("a", "table", (3,))
    assert data.spec.class_names == ("no", "yes")
    assert data.spec.n_train + data.spec.n_val + data.spec.n_test == 60
    assert data.train.x.dtype == torch.float32
    known = data.spec.encoding["encoder"]["medians"][0]
    assert known == float(np.median(data.train.x[:, 0].numpy()))
    assert DataSpec.from_dict(data.spec.to_dict()) == data.spec


def test_the_encoding_survives_a_checkpoint(tmp_path: Path) -> None:
    data = CSVDataModule(write(tmp_path, PEOPLE * 1), val_size=0, test_size=2)
    data.setup()
    torch.save(data.spec.to_dict(), tmp_path / "spec.pt")
    assert DataSpec.from_dict(torch.load(tmp_path / "spec.pt", weights_only=True)) == data.spec


def test_detection_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lit_tricks")
    CSVSource(write(tmp_path, PEOPLE)).load()
    assert "a.csv: the first line names the columns" in caplog.text


def test_a_column_of_decimal_commas_is_never_taken_for_categories(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a;b;y\n" + "".join(f"{k},5;{k};{'no' if k % 2 else 'yes'}\n" for k in range(20)), encoding="utf-8")
    with pytest.raises(UserError, match=r"has '0,5' in a: try data\.decimal=comma"):
        CSVSource(path, separator="semicolon").load()
    source = CSVSource(path, separator="semicolon", decimal="comma")
    encoded = source.encode(source.load(), np.arange(20))
    assert encoded.train.x[:, 0].tolist() == [k + 0.5 for k in range(20)]
    assert encoded.encoding["decimal"] == "comma"
