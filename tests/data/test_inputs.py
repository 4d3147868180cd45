import gzip
import logging
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lit_tricks.data.images import ImageFolderSource
from lit_tricks.data.inputs import Inputs, read_inputs
from lit_tricks.data.spec import DataSpec
from lit_tricks.data.table import CSVDataModule
from lit_tricks.errors import UserError

GREY = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)


def spec(
    shape: tuple[int, ...], value_range: tuple[float, float] | None = (0.0, 255.0), kind: str = "image"
) -> DataSpec:
    return DataSpec(
        name="x",
        kind=kind,  # type: ignore[arg-type]
        input_shape=shape,
        class_names=("a", "b"),
        class_counts=(1, 1),
        value_range=value_range,
        n_train=2,
        n_val=0,
        n_test=0,
    )


def table_spec(folder: Path, text: str, **options: object) -> DataSpec:
    path = folder / "train.csv"
    path.write_text(text, encoding="utf-8")
    data = CSVDataModule(path, val_size=0, test_size=2, **options)  # type: ignore[arg-type]
    data.setup()
    return DataSpec.from_dict(data.spec.to_dict())


def read(folder: Path, content: str | bytes, spec: DataSpec, name: str = "new.csv") -> Inputs:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_inputs(path, spec)


def idx(images: np.ndarray) -> bytes:
    return struct.pack(f">I{images.ndim}I", 0x800 + images.ndim, *images.shape) + images.tobytes()


TRAIN = "age,job,y\n" + "1,cook,no\n3,smith,yes\n" * 5


@pytest.mark.parametrize(
    "text",
    ["age,job\n2,smith\n9,cook\n", "age,job,y\n2,smith,no\n9,cook,\n", "job,more,age\nsmith,0,2\ncook,0,9\n"],
)
def test_a_table_with_or_without_the_label(tmp_path: Path, text: str) -> None:
    inputs = read(tmp_path, text, table_spec(tmp_path, TRAIN))
    assert inputs.names == ["row 1", "row 2"]
    assert inputs.x.dtype == torch.float32
    assert inputs.x.tolist() == [[2, 0, 1], [9, 1, 0]]


def test_a_table_without_header(tmp_path: Path) -> None:
    known = table_spec(tmp_path, "no,1,cook\nyes,3,smith\n" * 5, label=0)
    assert read(tmp_path, "2,smith\n", known).x.tolist() == [[2, 0, 1]]
    assert read(tmp_path, "no,2,smith\n", known).x.tolist() == [[2, 0, 1]]
    with pytest.raises(
        UserError, match=r"new\.csv must hold 3 or 2 columns .*without the label column_0\); it holds 1"
    ):
        read(tmp_path, "2\n", known)


def test_missing_and_unseen_values_are_handled_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    known = table_spec(tmp_path, TRAIN)
    caplog.clear()
    inputs = read(tmp_path, "age,job\n?,pilot\n9,\n1,pilot\n", known)
    median = known.encoding["encoder"]["medians"][0]
    assert inputs.x.tolist() == [[median, 0, 0], [9, 0, 0], [1, 0, 0]]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "new.csv: categories unknown to training" in caplog.text
    assert "job='pilot' in 2 rows, job='missing' in 1 row" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age\n1\n", r"new\.csv must hold the columns of the training file; missing: job"),
        ("1,cook\n2,smith\n", "missing: age, job"),
        ("age,job\n1,cook\nold,cook\n", r"column 'age' must hold numbers; .*new\.csv holds 'old' in line 3"),
        ("age,job\ninf,cook\n", "holds 'inf' in line 2"),
        ("age,job\n1\n", r"every row of .*new\.csv must hold 2 values like line 1; line 2 holds 1"),
        ("", "which is empty"),
    ],
)
def test_tables_that_do_not_fit(tmp_path: Path, text: str, message: str) -> None:
    known = table_spec(tmp_path, TRAIN)
    with pytest.raises(UserError, match=message):
        read(tmp_path, text, known)


def test_other_input_for_a_table(tmp_path: Path) -> None:
    known = table_spec(tmp_path, TRAIN)
    with pytest.raises(UserError, match="trained on tables, so input must be a CSV file; received the folder"):
        read_inputs(tmp_path, known)
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 3)))
    with pytest.raises(UserError, match=r"must be a CSV file like the training data; received .*a\.npz"):
        read_inputs(tmp_path / "a.npz", known)
    with pytest.raises(UserError, match=r"input must exist; received .*nowhere"):
        read_inputs(tmp_path / "nowhere", known)


@pytest.mark.parametrize("text", ["1,2\n3,4\n", "a,b\n1,2\n3,4\n", "a,b,y\n1,2,u\n3,4,v\n", "1,2,0\n3,4,1\n"])
def test_a_table_for_a_model_of_plain_features(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text, spec((2,), None, "table")).x.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4\n", r"new\.csv must hold 2 columns of numbers, .* it holds 4"),
        ("a,b\n1,2\n3,\n", "no value in column 'b' of line 3"),
        ("a,b\n1,2\n3,x\n", "column 'b' must hold numbers"),
    ],
)
def test_plain_tables_that_do_not_fit(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, text, spec((2,), None, "table"))


def test_an_archive_for_a_model_of_plain_features(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_test=np.array([[1, 2]]), y_test=np.array([0]))
    inputs = read_inputs(tmp_path / "a.npz", spec((2,), None, "table"))
    assert (inputs.names, inputs.x.tolist(), inputs.x.dtype) == (["a.npz[0]"], [[1, 2]], torch.float32)


def test_one_image_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name, image in zip(["b.png", "deep/a.png", "a.bmp"], GREY, strict=False):
        Image.fromarray(image).save(tmp_path / "in" / name)
    (tmp_path / "in" / "note.txt").touch()
    inputs = read_inputs(tmp_path / "in", spec((1, 4, 3)))
    assert inputs.names == ["a.bmp", "b.png", "deep/a.png"]
    assert inputs.x.dtype == torch.uint8
    np.testing.assert_array_equal(inputs.x.numpy()[:, 0], GREY[[2, 0, 1]])
    one = read_inputs(tmp_path / "in" / "b.png", spec((1, 4, 3)))
    assert one.names == ["b.png"]
    assert torch.equal(one.x, inputs.x[1:2])


def test_images_become_what_training_made_of_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a/1.png", "b/2.png"):
        (tmp_path / "train" / name).parent.mkdir(parents=True)
        Image.fromarray(rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)).save(tmp_path / "train" / name)
    trained = ImageFolderSource(tmp_path / "train", image_size=5, colour="grey").load().train.x
    assert torch.equal(read_inputs(tmp_path / "train", spec((1, 5, 5))).x, trained)


def test_files_are_rescaled_to_the_training_range(tmp_path: Path) -> None:
    Image.fromarray(GREY[0]).save(tmp_path / "a.png")
    inputs = read_inputs(tmp_path / "a.png", spec((1, 4, 3), (0.0, 16.0)))
    assert inputs.x.dtype == torch.float32
    np.testing.assert_allclose(inputs.x.numpy()[0, 0], GREY[0] / 255 * 16, rtol=1e-6)
    signed = read_inputs(tmp_path / "a.png", spec((1, 4, 3), (-1.0, 1.0)))
    np.testing.assert_allclose(signed.x.numpy()[0, 0], GREY[0] / 127.5 - 1, atol=1e-6)
    with pytest.raises(UserError, match=r"need a known range of training values, .*received .*a\.png"):
        read_inputs(tmp_path / "a.png", spec((1, 4, 3), None))


@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "own.idx"])
def test_idx_files(tmp_path: Path, name: str) -> None:
    content = gzip.compress(idx(GREY)) if name.endswith("gz") else idx(GREY)
    inputs = read(tmp_path, content, spec((1, 4, 3)), name)
    assert inputs.names[4] == f"{name}[4]"
    np.testing.assert_array_equal(inputs.x.numpy()[:, 0], GREY)
    assert read(tmp_path, content, spec((3, 2, 2)), name).x.shape == (5, 3, 2, 2)
    assert read(tmp_path, content, spec((1, 4, 3), (0.0, 16.0)), name).x.max() <= 16


def test_idx_files_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"labels-idx1-ubyte holds uint8 \(5,\): try the file called"):
        read(tmp_path, idx(np.arange(5, dtype=np.uint8)), spec((1, 4, 3)), "labels-idx1-ubyte")
    with pytest.raises(UserError, match=r"images-idx3-ubyte must be a complete IDX file"):
        read(tmp_path, idx(GREY)[:-1], spec((1, 4, 3)), "images-idx3-ubyte")
    with pytest.raises(UserError, match=r"must be an image file, a folder of them, an \.npz or an IDX file; .*a\.pdf"):
        read(tmp_path, b"%PDF", spec((1, 4, 3)), "a.pdf")


def test_real_idx_files(data_root: Path) -> None:
    inputs = read_inputs(next((data_root / "mnist").glob("t10k-images*")), spec((1, 28, 28)))
    assert (tuple(inputs.x.shape), inputs.x.dtype, len(inputs.names)) == ((10000, 1, 28, 28), torch.uint8, 10000)


def test_archives_are_taken_as_they_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    np.savez(tmp_path / "a.npz", x=GREY % 17)
    inputs = read_inputs(tmp_path / "a.npz", spec((1, 4, 3), (0.0, 16.0)))
    np.testing.assert_array_equal(inputs.x.numpy()[:, 0], GREY % 17)
    assert inputs.names == [f"a.npz[{row}]" for row in range(5)]
    assert read_inputs(tmp_path / "a.npz", spec((1, 2, 2))).x.shape == (5, 1, 2, 2)
    assert not caplog.records


@pytest.mark.parametrize(
    ("x", "value_range", "said"),
    [
        (GREY, (0.0, 16.0), r"values lie in [0, 254], those of training in [0, 16]"),
        (GREY / 256, (0.0, 255.0), "no value exceeds 1, those of training go up to 255"),
    ],
)
def test_another_scale_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, x: np.ndarray, value_range: tuple, said: str
) -> None:
    np.savez(tmp_path / "a.npz", x=x)
    read_inputs(tmp_path / "a.npz", spec((1, 4, 3), value_range))
    low, high = GREY.min(), GREY.max()
    assert said.replace("[0, 254]", f"[{low}, {high}]") in caplog.text


@pytest.mark.parametrize(
    ("arrays", "shape", "message"),
    [
        ({"z": GREY}, (1, 4, 3), r"a\.npz must hold an array x or x_test; it holds neither"),
        ({"x": GREY / 7}, (1, 2, 2), r"the training shape \(1, 2, 2\); x of .* holds \(1, 4, 3\)"),
        ({"x": np.zeros((2, 4, 5, 5), np.uint8)}, (1, 4, 3), "1 or 3 channels to be resized .* has 4"),
        ({"x": GREY}, (4, 4, 3), "image files have 1 or 3 channels; the model was trained on 4"),
        ({"x": GREY * np.nan}, (1, 4, 3), "NaN or Inf in 5 rows"),
        ({"x": np.zeros((2, 3))}, (1, 4, 3), r"x of .* holds \(3,\)"),
    ],
)
def test_archives_that_do_not_fit(tmp_path: Path, arrays: dict, shape: tuple[int, ...], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UserError, match=message):
        read_inputs(tmp_path / "a.npz", spec(shape))


def test_image_files_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must hold image files; .* holds none"):
        read_inputs(tmp_path, spec((1, 4, 3)))
    (tmp_path / "a.png").write_text("broken")
    with pytest.raises(UserError, match=r"1 is not: .*a\.png \(not an image\): remove them from the input"):
        read_inputs(tmp_path, spec((1, 4, 3)))
    with pytest.raises(UserError, match=r"trained on 4, received .*a\.png"):
        read_inputs(tmp_path / "a.png", spec((4, 4, 3)))


@pytest.mark.parametrize("name", ["a.png", "a.JPG"])
def test_an_image_for_a_run_of_tables(tmp_path: Path, name: str) -> None:
    message = rf"trained on tables, so input must be a CSV file; received the image .*{name}: try input=FILE\.csv"
    for facts in (table_spec(tmp_path, TRAIN), spec((3,), None, "table")):
        with pytest.raises(UserError, match=message):
            read(tmp_path, b"anything", facts, name)


@pytest.mark.parametrize("name", ["a.csv", "a.TSV", "a.txt"])
def test_a_table_for_a_run_of_images(tmp_path: Path, name: str) -> None:
    message = rf"trained on images, so input must hold images; received the table .*{name}: try input=IMAGE\.png or"
    with pytest.raises(UserError, match=message):
        read(tmp_path, "1,2\n", spec((1, 4, 3)), name)
