import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lit_tricks.data import array_inputs, array_labels
from lit_tricks.data.arrays import ArraySource, NPYDataModule, NPYSource, NPZDataModule, NPZSource
from lit_tricks.data.source import Loaded
from lit_tricks.errors import UserError

Y = np.array([0, 1, 0, 1, 2, 2])


def save(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "a.npz", **arrays)
    return folder / "a.npz"


def load(folder: Path, **arrays: np.ndarray) -> Loaded:
    return NPZSource(save(folder, **arrays)).load()


def test_one_part(tmp_path: Path) -> None:
    x = np.arange(12.0).reshape(6, 2)
    source = NPZSource(save(tmp_path, x=x, y=Y))
    loaded = source.load()
    assert source.kind == "table"
    assert loaded.test is None
    assert loaded.value_range is None
    assert loaded.class_names == ("0", "1", "2")
    assert loaded.train.x.dtype == torch.float32
    assert loaded.train.x.tolist() == x.tolist()
    assert loaded.train.y.tolist() == Y.tolist()


def test_two_parts_keep_the_official_test(tmp_path: Path) -> None:
    x = np.arange(6 * 4, dtype=np.uint8).reshape(6, 2, 2) * 10
    source = NPZSource(save(tmp_path, x_train=x, y_train=Y, x_test=x[:2], y_test=Y[4:]))
    loaded = source.load()
    assert source.kind == "image"
    assert loaded.train.x.dtype == torch.uint8
    assert loaded.train.x[:, 0].tolist() == x.tolist()
    assert loaded.value_range == (0, 255)
    assert loaded.test is not None
    assert loaded.test.x.shape == (2, 1, 2, 2)
    assert loaded.test.y.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((6, 5, 4), (1, 5, 4)), ((6, 3, 5, 4), (3, 5, 4)), ((6, 5, 4, 3), (3, 5, 4)), ((6, 1, 5, 3), (1, 5, 3))],
)
def test_where_the_channels_are(tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    loaded = load(tmp_path, x=x, y=Y)
    assert tuple(loaded.train.x.shape[1:]) == expected
    if shape == (6, 5, 4, 3):
        assert loaded.train.x[2, 1].tolist() == x[2, :, :, 1].tolist()
    else:
        assert loaded.train.x.flatten().tolist() == x.flatten().tolist()


@pytest.mark.parametrize(
    ("dtype", "top", "kept", "value_range"),
    [
        (np.uint8, 255, torch.uint8, (0, 255)),
        (np.int64, 255, torch.uint8, (0, 255)),
        (np.float64, 200, torch.uint8, (0, 255)),
        (np.uint8, 16, torch.uint8, (0, 16)),
        (bool, 1, torch.uint8, (0, 1)),
        (np.int32, 256, torch.float32, None),
    ],
)
def test_dtype_and_range_of_whole_numbers(
    tmp_path: Path, dtype: type, top: int, kept: torch.dtype, value_range: tuple | None
) -> None:
    x = np.zeros((6, 2, 2), dtype=dtype)
    x[0, 0, 0] = top
    loaded = load(tmp_path, x=x, y=Y)
    assert loaded.train.x.dtype == kept
    assert loaded.train.x.max() == top
    assert loaded.value_range == value_range


@pytest.mark.parametrize(("shift", "value_range"), [(0.0, (0, 1)), (-0.5, None), (0.5, None)])
def test_range_of_fractions(tmp_path: Path, shift: float, value_range: tuple | None) -> None:
    x = np.linspace(0, 1, 24).reshape(6, 2, 2) + shift
    loaded = load(tmp_path, x=x, y=Y)
    assert loaded.train.x.dtype == torch.float32
    assert loaded.value_range == value_range


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (np.array(["no", "yes", "no"] * 2), ("no", "yes")),
        (np.array([b"no", b"yes", b"no"] * 2), ("no", "yes")),
        (np.array([[-1], [1]] * 3), ("-1", "1")),
        (np.array([10.0, 9.0] * 3), ("9", "10")),
        (np.array([True, False] * 3), ("False", "True")),
    ],
)
def test_labels(tmp_path: Path, y: np.ndarray, names: tuple[str, ...]) -> None:
    loaded = load(tmp_path, x=np.zeros((6, 2)), y=y)
    assert loaded.class_names == names
    assert [names[index] for index in loaded.train.y] == [
        str(int(v) if isinstance(v, float) else v.decode() if isinstance(v, bytes) else v) for v in y.flatten().tolist()
    ]


def test_class_names_are_indexed(tmp_path: Path) -> None:
    names = np.array(["cat", "ant", "bee"])
    loaded = load(tmp_path, x=np.zeros((6, 2)), y=Y, class_names=names)
    assert (loaded.class_names, loaded.train.y.tolist()) == (("cat", "ant", "bee"), Y.tolist())
    digits = np.array(["2", "1", "0"])
    assert load(tmp_path, x=np.zeros((6, 2)), y=Y, class_names=digits).train.y.tolist() == Y.tolist()
    assert load(tmp_path, x=np.zeros((6, 2)), y=names[Y], class_names=names).train.y.tolist() == Y.tolist()


X = np.zeros((6, 2))
HOLED = np.array([[1.0, 2.0], [np.nan, 1.0], *[[0.0, 0.0]] * 4])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": X}, r"must hold the arrays x_train and y_train, or x and y; it holds none of these"),
        ({"x": X, "y_train": Y}, "it holds x, y_train: rename"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "needs x_test and y_test; .* holds only one"),
        ({"x": X, "y": Y[:5]}, "holds 6 in x and 5 in y"),
        ({"x": X, "y": np.eye(6)}, r"store y\.argmax\(1\)"),
        ({"x": X, "y": Y + 0.5}, "holds fractions or NaN"),
        ({"x": X, "y": np.zeros(6, int)}, "at least 2 classes; y of .* holds only '0'"),
        ({"x": X, "y": Y, "class_names": np.array(["a", "b"])}, r"also holds 2, class_names holds 2 from 0"),
        ({"x": X, "y": Y, "class_names": np.array(["a", "b", "b"])}, "class_names must be at least 2, and differ"),
        ({"x": X[:, 0], "y": Y}, r"x of .* is float64 \(6,\): reshape"),
        ({"x": X.astype(str), "y": Y}, "inputs must be numbers"),
        ({"x": X[:0], "y": Y[:0]}, r"float64 \(0, 2\)"),
        ({"x": np.zeros((6, 5, 5, 2)), "y": Y}, r"1, 3 or 4 channels .* is \(6, 5, 5, 2\)"),
        ({"x": HOLED, "y": Y}, "NaN or Inf in 1 rows, first in row 1"),
        ({"x": X + 1e39, "y": Y}, "NaN or Inf in 6 rows, first in row 0"),
        ({"x": HOLED.reshape(6, 1, 2), "y": Y}, "NaN or Inf in 1 rows, first in row 1"),
        ({"x_train": X, "y_train": Y, "x_test": X[:, :1], "y_test": Y}, r"\(2,\) in x_train and \(1,\) in x_test"),
        ({"x_train": X, "y_train": Y, "x_test": X, "y_test": Y + 1}, "y_test of .* also holds 3"),
        ({"x_train": X, "y_train": Y, "x_test": X, "y_test": Y[:1]}, "6 in x_test and 1 in y_test"),
    ],
)
def test_mistakes(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load(tmp_path, **arrays)


def test_no_path() -> None:
    with pytest.raises(UserError, match=r"data=npz needs data\.path=FILE; received none"):
        NPZSource().load()


def test_data_module(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = save(tmp_path, x=rng.integers(0, 256, (60, 4, 4), dtype=np.uint8), y=np.arange(60) % 3)
    data = NPZDataModule(path, batch_size=5, seed=1)
    data.setup()
    assert (data.spec.name, data.spec.kind, data.spec.input_shape) == (path.stem, "image", (1, 4, 4))
    x, y = next(iter(data.train_dataloader()))
    assert (x.dtype, x.shape, y.shape) == (torch.uint8, (5, 1, 4, 4), (5,))
    assert data.normaliser(x).max() <= 1


# --- mapped -----------------------------------------------------------------------------------------------------------


def folder_of(place: Path, **arrays: np.ndarray) -> Path:
    place.mkdir(exist_ok=True)
    for name, array in arrays.items():
        np.save(place / f"{name}.npy", array)
    return place


BYTES = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
STORED: dict[str, np.ndarray] = {
    "bytes (N, H, W)": BYTES[..., 0],
    "bytes (N, C, H, W)": BYTES.transpose(0, 3, 1, 2),
    "bytes (N, H, W, C)": BYTES,
    "few grey levels": BYTES[..., 0] // 16,
    "whole numbers in int64": BYTES[..., 0].astype(np.int64),
    "whole numbers in float64": BYTES[..., 0].astype(np.float64),
    "fractions": BYTES[..., 0] / np.float32(255),
    "more than bytes": BYTES[..., 0].astype(np.uint16) * 7,
    "a table": BYTES[:, :, 0, 0] - np.float32(99),
    "a table in float64": BYTES[:, :, 0, 0] / 7,
    "a table in float16": (BYTES[:, :, 0, 0] / 7).astype(np.float16),
    "a table of bytes": BYTES[:, :, 0, 0],
}
MAPPED_AS_THEY_ARE = ("bytes", "few", "fractions", "a table")


@pytest.mark.parametrize("name", STORED)
def test_mapped_arrays_are_the_arrays_of_an_archive(tmp_path: Path, name: str) -> None:
    x = np.ascontiguousarray(STORED[name])
    arrays = {"x_train": x, "y_train": Y, "x_test": x[:2], "y_test": Y[:2], "class_names": np.array(["a", "b", "c"])}
    mapped = NPYSource(folder_of(tmp_path / "arrays", **arrays)).load()
    read = load(tmp_path, **arrays)
    assert (mapped.class_names, mapped.value_range) == (read.class_names, read.value_range)
    assert mapped.test is not None
    assert read.test is not None
    for one, other in [(mapped.train, read.train), (mapped.test, read.test)]:
        assert one.dtype == other.dtype
        assert torch.equal(one.x, other.x)
        assert torch.equal(one.gather(torch.tensor([1, 0]))[0], other.gather(torch.tensor([1, 0]))[0])
        assert one.y.tolist() == other.y.tolist()
    as_it_is = name.startswith(MAPPED_AS_THEY_ARE) and not name.endswith(("float64", "float16", "of bytes"))
    assert (mapped.train.cast is None) == as_it_is


def test_inputs_stay_in_their_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lit_tricks")
    place = folder_of(tmp_path / "arrays", x=BYTES, y=Y)
    loaded = NPYSource(place).load()
    assert "x of arrays: 0.00036 MB mapped from disk" in caplog.text
    with (place / "x.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(bytes([255 - BYTES[-1, -1, -1, -1]]))
    assert int(loaded.train.inputs[-1, -1, -1, -1]) == 255 - BYTES[-1, -1, -1, -1]


@pytest.mark.parametrize("normalise", ["minmax", "standard"])
def test_a_mapped_run_is_one_from_memory(tmp_path: Path, normalise: Any) -> None:
    rng = np.random.default_rng(0)
    arrays = {"x": rng.integers(0, 256, (60, 5, 4, 3), dtype=np.uint8), "y": np.arange(60) % 3}
    sources = NPYDataModule(folder_of(tmp_path / "arrays", **arrays)), NPZDataModule(save(tmp_path, **arrays))
    mapped, read = sources
    for data in sources:
        data.normalise, data.batch_size = normalise, 7
        data.setup()
    assert (mapped.spec.name, mapped.spec.input_shape, mapped.spec.kind) == ("arrays", (3, 5, 4), "image")
    assert torch.equal(mapped.normaliser.shift, read.normaliser.shift)
    assert torch.equal(mapped.normaliser.scale, read.normaliser.scale)
    for make in ("train_dataloader", "val_dataloader", "test_dataloader"):
        for (x, y), (x2, y2) in zip(getattr(mapped, make)(), getattr(read, make)(), strict=True):
            assert torch.equal(x, x2)
            assert x.is_contiguous()
            assert torch.equal(y, y2)


@pytest.mark.parametrize("rows", [1, 4, 2**16])
@pytest.mark.parametrize("source", [NPYSource, NPZSource])
def test_looking_in_pieces_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, source: type[ArraySource]
) -> None:
    monkeypatch.setattr(array_inputs, "_CHUNK_VALUES", 2 * rows)
    monkeypatch.setattr(array_labels, "_CHUNK_ROWS", rows)

    def read(**arrays: np.ndarray) -> Loaded:
        return source(folder_of(tmp_path / "a", **arrays) if source is NPYSource else save(tmp_path, **arrays)).load()

    loaded = read(x=np.array([[[0.0, 0.5]]] * 5 + [[[1.0, 0.0]]]), y=np.array([9.0, 7, 9, 8, 7, 8]))
    assert (loaded.train.dtype, loaded.value_range) == (torch.float32, (0, 1))
    assert (loaded.class_names, loaded.train.y.tolist()) == (("7", "8", "9"), [2, 0, 2, 1, 0, 1])
    late = read(x=np.array([[[0.0, 2.0]]] * 5 + [[[1.0, 0.5]]]), y=Y)
    assert (late.train.dtype, late.value_range) == (torch.float32, None)
    with pytest.raises(UserError, match="NaN or Inf in 2 rows, first in row 3"):
        read(x=np.array([[0.0, 1]] * 3 + [[np.nan, 1], [1, 1], [np.inf, np.nan]]), y=Y)
    with pytest.raises(UserError, match="holds fractions or NaN"):
        read(x=X, y=Y + np.array([0, 0, 0, 0, 0, 0.5]))


def test_mistakes_in_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data=npy needs data\.path=FOLDER; received none"):
        NPYSource().load()
    with pytest.raises(UserError, match="must be a folder; received the file"):
        NPYSource(save(tmp_path, x=X, y=Y)).load()
    place = folder_of(tmp_path / "arrays", x=X, labels=Y)
    with pytest.raises(UserError, match=r"arrays must hold the arrays x_train and y_train, or x and y; it holds x: re"):
        NPYSource(place).load()
    np.save(place / "y.npy", Y)
    np.save(place / "x.npy", np.asfortranarray(BYTES[..., 0]))
    with pytest.raises(UserError, match=r"x\.npy holds uint8, column by column: write it again"):
        NPYSource(place).load()
