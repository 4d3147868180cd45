from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image

from lit_tricks.data import decoding, files
from lit_tricks.data.decoding import read_images
from lit_tricks.data.image_files import read_image
from lit_tricks.errors import UserError

SHAPE = (3, 9, 7)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Return 90 files that take differently long to decode."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{i}.png" for i in range(90)]
    for number, path in enumerate(paths):
        side = 200 if number % 7 == 0 else 5
        Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(path)
    return paths


@pytest.mark.parametrize("memory", [10**9, 1])
@pytest.mark.parametrize("cores", [1, 4])
def test_many_files_are_the_single_ones_in_order(
    pictures: list[Path], cores: int, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "available_bytes", lambda: memory)
    monkeypatch.setattr(decoding, "_WORTH_THREADS", 0)
    pixels = read_images(pictures, SHAPE, "remove them", lambda: cores)
    assert isinstance(pixels, np.memmap) == (memory == 1)
    np.testing.assert_array_equal(pixels, np.stack([read_image(path, SHAPE) for path in pictures]))


@pytest.mark.parametrize("cores", [1, 4])
def test_unreadable_ones_are_named_in_order(pictures: list[Path], cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_WORTH_THREADS", 0)
    for number in (80, 3, 41):
        pictures[number].write_bytes(b"broken")
    message = r"3 are not: .*/3\.png \(not an image\), .*/41\.png \(.*\), .*/80\.png \(.*\): remove them"
    with pytest.raises(UserError, match=message):
        read_images(pictures, SHAPE, "remove them", lambda: cores)


@pytest.mark.parametrize("most", [lambda: 3, None], ids=["told", "counted"])
def test_threads_decode_large_files_alone(
    most: Callable[[], int] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what affinity and a container's quota leave
    monkeypatch.setattr(joblib, "cpu_count", lambda: 3)
    paths = [tmp_path / f"{number}" for number in range(3)]
    for path, size in zip(paths[:2], (7000, 2000), strict=True):
        path.write_bytes(bytes(size))
    # the third is not there, which is for the reader to say
    assert decoding._threads(paths, most) == decoding._threads(paths[:1], most) == 3
    assert [decoding._threads(few, most) for few in (paths[1:], paths[2:], [])] == [1, 1, 1]


def test_no_file_is_no_image() -> None:
    assert read_images([], SHAPE, "remove them").shape == (0, *SHAPE)
