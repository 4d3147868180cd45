import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from lit_tricks.data.images import ImageFolderDataModule, ImageFolderSource
from lit_tricks.errors import UserError


def folder(root: Path, files: Mapping[str, Image.Image | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.save(path)
    return root


def flat(value: int, size: tuple[int, int] = (4, 3), mode: str = "L") -> Image.Image:
    return Image.new(mode, (size[1], size[0]), value if mode == "L" else (value,) * 3)


def test_a_class_per_folder(tmp_path: Path) -> None:
    files = {"10/a.png": flat(1), "9/deep/b.png": flat(2), "9/a.png": flat(3), "9/note.txt": b"x", ".x/a.png": flat(9)}
    loaded = ImageFolderSource(folder(tmp_path, files)).load()
    assert loaded.class_names == ("9", "10")
    assert (loaded.test, loaded.value_range) == (None, (0, 255))
    assert (loaded.train.x.dtype, tuple(loaded.train.x.shape)) == (torch.uint8, (3, 1, 4, 3))
    assert loaded.train.x[:, 0, 0, 0].tolist() == [3, 2, 1]
    assert loaded.train.y.tolist() == [0, 0, 1]


@pytest.mark.parametrize("held_out", ["test", "val", "valid", "validation"])
def test_an_official_test_split(tmp_path: Path, held_out: str) -> None:
    files = {"train/a/1.png": flat(1), "train/b/2.png": flat(2), f"{held_out}/b/3.png": flat(3), "notes/x.txt": b"x"}
    loaded = ImageFolderSource(folder(tmp_path, files)).load()
    assert loaded.class_names == ("a", "b")
    assert loaded.train.x[:, 0, 0, 0].tolist() == [1, 2]
    assert loaded.test is not None
    assert (loaded.test.x[:, 0, 0, 0].tolist(), loaded.test.y.tolist()) == ([3], [1])


def test_validation_joins_training_beside_a_test_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lit_tricks")
    files = {"train/a/1.png": flat(1), "train/b/2.png": flat(2), "val/a/3.png": flat(3), "test/b/4.png": flat(4)}
    loaded = ImageFolderSource(folder(tmp_path, files)).load()
    assert loaded.train.x[:, 0, 0, 0].tolist() == [1, 3, 2]
    assert loaded.test is not None
    assert loaded.test.x[:, 0, 0, 0].tolist() == [4]
    assert "test/ is the test split; val joins train/" in caplog.text


def test_a_lone_train_folder_and_a_class_called_train(tmp_path: Path) -> None:
    lone = folder(tmp_path / "lone", {"train/a/1.png": flat(1), "train/b/2.png": flat(2)})
    assert ImageFolderSource(lone).load().class_names == ("a", "b")
    vehicles = folder(tmp_path / "vehicles", {"train/1.png": flat(1), "bus/2.png": flat(2)})
    assert ImageFolderSource(vehicles).load().class_names == ("bus", "train")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (3, 4, 3)),
        ({"colour": "grey"}, (1, 4, 3)),
        ({"image_size": 5}, (3, 5, 5)),
        ({"image_size": [2, 6], "colour": "rgb"}, (3, 2, 6)),
    ],
)
def test_sizes_and_colours_are_unified_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, options: dict, expected: tuple[int, ...]
) -> None:
    caplog.set_level(logging.INFO, "lit_tricks")
    files = {"a/1.png": flat(7), "a/2.png": flat(7, mode="RGB"), "b/3.png": flat(7, (9, 9))}
    loaded = ImageFolderSource(folder(tmp_path, files), **options).load()
    assert tuple(loaded.train.x.shape[1:]) == expected
    assert (loaded.train.x == 7).all()
    assert f"{expected[1]} x {expected[2]} pixels, {1 if expected[1:] == (4, 3) else 3} of them resized" in caplog.text


def test_large_images_are_scaled_down_keeping_their_proportions(tmp_path: Path) -> None:
    files = {"a/1.png": flat(7, (100, 200)), "b/2.png": flat(7, (100, 200)), "b/3.png": flat(7, (8, 8))}
    assert tuple(ImageFolderSource(folder(tmp_path, files)).load().train.x.shape) == (3, 1, 32, 64)


def test_test_images_decide_neither_size_nor_colour(tmp_path: Path) -> None:
    files: dict[str, Image.Image] = {"train/a/1.png": flat(1), "train/b/2.png": flat(2)}
    files |= {f"test/a/{i}.png": flat(3, (9, 9), "RGB") for i in range(3)}
    loaded = ImageFolderSource(folder(tmp_path, files)).load()
    assert loaded.test is not None
    assert tuple(loaded.test.x.shape) == (3, 1, 4, 3)


def test_unreadable_files_are_named_in_one_message(tmp_path: Path) -> None:
    files: dict[str, Image.Image | bytes] = {"a/1.png": flat(1), "b/2.png": flat(2)}
    files |= {f"b/x{i}.png": b"broken" for i in range(7)}
    with pytest.raises(UserError, match=r"7 are not: .*x0\.png \(not an image\), .* and 2 more: remove or replace"):
        ImageFolderSource(folder(tmp_path, files)).load()


def test_truncated_files_and_those_of_the_test_split_are_named_with_them(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 30), dtype=np.uint8))
    root = folder(tmp_path, {"train/a/1.png": noise, "train/b/2.png": noise, "train/b/3.png": b"x"})
    (root / "train/b/2.png").write_bytes((root / "train/a/1.png").read_bytes()[:-200])
    folder(root, {"test/b/4.png": b"x"})
    message = r"3 are not: .*2\.png \(.*truncated.*\), .*3\.png \(not an image\), .*4\.png \(not an image\): remove"
    with pytest.raises(UserError, match=message):
        ImageFolderSource(root).load()


def test_unreadable_files_are_no_images_to_count(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lit_tricks")
    root = folder(tmp_path, {"a/1.png": flat(1), "b/2.png": flat(2), "b/3.png": b"broken"})
    with pytest.raises(UserError, match="1 is not"):
        ImageFolderSource(root).load()
    assert "2 images, grey, 4 x 3 pixels, 0 of them resized" in caplog.text


def test_a_run_is_named_after_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(tmp_path / "vehicles v1.2", {"a/1.png": flat(1)})
    monkeypatch.chdir(root)
    assert [ImageFolderSource(path).name for path in (root, ".", None)] == [
        "vehicles v1.2",
        "vehicles v1.2",
        "image_folder",
    ]


def test_nothing_but_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="2 are not"):
        ImageFolderSource(folder(tmp_path, {"a/1.png": b"x", "b/2.png": b"y"})).load()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.png": flat(1)}, "one folder each; .* holds no folders: sort the images"),
        ({"a/1.png": flat(1)}, "holds only the folder a"),
        ({"a/1.png": flat(1), "b/note.txt": b"x"}, "must hold images; .* has none in b"),
        ({"train/a/1.png": flat(1), "train/b/1.png": flat(1), "test/c/1.png": flat(1)}, "test also has c: add them"),
    ],
)
def test_mistakes(tmp_path: Path, files: dict[str, Image.Image | bytes], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ImageFolderSource(folder(tmp_path, files)).load()


@pytest.mark.parametrize("size", [0, -3, True, [1], [3, 0], [1, 2, 3], 3.5, "big"])
def test_wrong_sizes(size: object) -> None:
    with pytest.raises(UserError, match=r"a number of pixels or \[height,width\]; received .*: try data.image_size=32"):
        ImageFolderSource("x", image_size=size)  # type: ignore[arg-type]


def test_wrong_colour_and_path() -> None:
    with pytest.raises(UserError, match="must be auto, grey or rgb; received 'gray'"):
        ImageFolderSource("x", colour="gray")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"data=image_folder needs data\.path=FOLDER; received none"):
        ImageFolderSource().load()


def test_images_that_memory_is_short_for_train_from_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lit_tricks")
    files = {f"{label}/{i}.png": flat(10 * i + label) for i in range(20) for label in (0, 1)}
    root = folder(tmp_path, files)
    in_memory, on_disk = (ImageFolderDataModule(root, batch_size=4) for _ in range(2))
    in_memory.setup()
    monkeypatch.setattr("lit_tricks.data.files.available_bytes", lambda: 10)
    on_disk.setup()
    assert "40 images of (1, 4, 3): 4.8e-07 GB are kept in a temporary file" in caplog.text
    for (x, y), (x2, y2) in zip(in_memory.train_dataloader(), on_disk.train_dataloader(), strict=True):
        assert torch.equal(x, x2)
        assert torch.equal(y, y2)
    assert torch.equal(in_memory.normaliser.scale, on_disk.normaliser.scale)
    monkeypatch.setattr("lit_tricks.data.backing.shutil.disk_usage", lambda place: type("Usage", (), {"free": 0}))
    with pytest.raises(UserError, match=r"40 images of \(1, 4, 3\) need .* GB in .*: try data\.image_size=32, or set"):
        ImageFolderSource(root).load()


def test_data_module_on_digits(tmp_path: Path) -> None:
    digits = load_digits()
    pixels = (digits.images[:200] * 255 / 16).astype(np.uint8)
    files = {
        f"{label}/{i}.png": Image.fromarray(image)
        for i, (image, label) in enumerate(zip(pixels, digits.target, strict=False))
    }
    data = ImageFolderDataModule(folder(tmp_path, files), batch_size=16, val_size=0.2)
    data.setup()
    assert (data.spec.name, data.spec.kind, data.spec.input_shape) == (tmp_path.name, "image", (1, 8, 8))
    assert data.spec.class_names == tuple(str(digit) for digit in range(10))
    assert data.spec.n_train + data.spec.n_val + data.spec.n_test == 200
    x, _ = next(iter(data.train_dataloader()))
    assert x.dtype == torch.uint8
    both = torch.cat([data.train.x, data.val.x, data.test.x]).flatten(1).numpy()
    assert sorted(map(bytes, both)) == sorted(map(bytes, pixels.reshape(200, -1)))
