import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lit_tricks.data.image_files import (
    UnreadableImage,
    is_image,
    list_images,
    probe_image,
    raise_unreadable,
    read_image,
    refit,
)
from lit_tricks.errors import UserError

GREY = np.random.default_rng(0).integers(0, 256, (6, 4), dtype=np.uint8)
RGB = np.random.default_rng(1).integers(0, 256, (6, 4, 3), dtype=np.uint8)


def save(folder: Path, image: Image.Image, name: str = "a.png", **options: object) -> Path:
    image.save(folder / name, **options)
    return folder / name


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "pgm", "gif", "webp"])
def test_grey_pixels_survive(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(tmp_path, Image.fromarray(GREY), f"a.{suffix}", **options)
    assert probe_image(path)[0] == (6, 4)
    np.testing.assert_array_equal(read_image(path, (1, 6, 4)), GREY[np.newaxis])


def test_colours_survive_and_become_grey(tmp_path: Path) -> None:
    path = save(tmp_path, Image.fromarray(RGB))
    assert probe_image(path) == ((6, 4), False)
    np.testing.assert_array_equal(read_image(path, (3, 6, 4)), RGB.transpose(2, 0, 1))
    luma = RGB @ np.array([299, 587, 114]) / 1000  # ITU-R 601-2
    assert np.abs(read_image(path, (1, 6, 4))[0] - luma).max() <= 1
    grey = save(tmp_path, Image.fromarray(GREY), "b.png")
    assert probe_image(grey) == ((6, 4), True)
    np.testing.assert_array_equal(read_image(grey, (3, 6, 4)), np.stack([GREY] * 3))


def test_sixteen_bits_keep_the_upper_eight(tmp_path: Path) -> None:
    path = save(tmp_path, Image.fromarray(GREY.astype(np.uint16) * 256 + 200))
    assert probe_image(path) == ((6, 4), True)
    np.testing.assert_array_equal(read_image(path, (1, 6, 4)), GREY[np.newaxis])


def test_bits_palettes_and_transparency(tmp_path: Path) -> None:
    bits = save(tmp_path, Image.fromarray(GREY > 100))
    assert set(np.unique(read_image(bits, (1, 6, 4)))) == {0, 255}
    palette = Image.fromarray(RGB).quantize(8)
    seen = np.asarray(palette.convert("RGB")).transpose(2, 0, 1)
    path = save(tmp_path, palette, "p.png", transparency=bytes([0, 128] * 4))
    np.testing.assert_array_equal(read_image(path, (3, 6, 4)), seen)
    alpha = np.dstack([RGB, GREY])
    np.testing.assert_array_equal(read_image(save(tmp_path, Image.fromarray(alpha)), (3, 6, 4)), RGB.transpose(2, 0, 1))


def test_photos_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned 90 degrees clockwise
    path = save(tmp_path, Image.fromarray(GREY), exif=exif.tobytes())
    assert probe_image(path)[0] == (4, 6)
    np.testing.assert_array_equal(read_image(path, (1, 4, 6))[0], np.rot90(GREY, -1))


def test_sizes_are_unified_like_pillow(tmp_path: Path) -> None:
    path = save(tmp_path, Image.fromarray(RGB))
    expected = np.asarray(Image.fromarray(RGB).resize((5, 3), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    np.testing.assert_array_equal(read_image(path, (3, 3, 5)), expected)
    np.testing.assert_array_equal(refit(RGB.transpose(2, 0, 1), (3, 3, 5)), expected)
    np.testing.assert_array_equal(refit(GREY[np.newaxis], (1, 6, 4)), GREY[np.newaxis])
    assert refit(GREY[np.newaxis], (3, 2, 2)).shape == (3, 2, 2)


def test_listing_is_sorted_recursive_and_by_suffix(tmp_path: Path) -> None:
    for name in ("b.png", "a/z.JPG", "a/y.txt", ".hidden.png", ".cache/c.png", "a/b/c.tiff"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)] == [
        "a/b/c.tiff",
        "a/z.JPG",
        "b.png",
    ]
    assert not is_image(Path("png"))


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize("side", [10_000, 30_000])
def test_a_decompression_bomb_is_refused(tmp_path: Path, side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b"")
    )
    for read in (probe_image, lambda path: read_image(path, (1, 8, 8))):
        with pytest.raises(UnreadableImage, match="possibly a decompression bomb"):
            read(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp"])
def test_broken_files_are_unreadable_or_harmless(tmp_path: Path, suffix: str) -> None:
    whole = save(tmp_path, Image.fromarray(RGB), f"a.{suffix}").read_bytes()
    rng = np.random.default_rng(0)
    broken = [whole[:end] for end in range(0, len(whole), max(1, len(whole) // 60))]
    for _ in range(150):
        content = bytearray(whole)
        for position in rng.integers(0, len(whole), 3):
            content[position] = rng.integers(0, 256)
        broken.append(bytes(content))
    path, refused = tmp_path / f"b.{suffix}", 0
    for content in broken:
        path.write_bytes(content)
        try:
            probe_image(path)
            assert read_image(path, (3, 6, 4)).shape == (3, 6, 4)
        except UnreadableImage:
            refused += 1
    assert refused > 10


def test_why_a_file_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(UnreadableImage, match="not an image"):
        probe_image(tmp_path / "a.png")
    floats = save(tmp_path, Image.fromarray(GREY.astype(np.float32)), "a.tif")
    with pytest.raises(UnreadableImage, match="floating-point pixels"):
        read_image(floats, (1, 6, 4))


def test_all_failures_in_one_message() -> None:
    raise_unreadable([], "r")
    with pytest.raises(UserError, match=r"must be readable; 1 is not: a\.png \(why\): remove it"):
        raise_unreadable([(Path("a.png"), "why")], "remove it")
    many = [(Path(f"{i}.png"), "why") for i in range(8)]
    with pytest.raises(UserError, match=r"8 are not: 0\.png \(why\), .* 4\.png \(why\) and 3 more: r"):
        raise_unreadable(many, "r")
