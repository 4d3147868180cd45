import gzip
import hashlib
import io
import re
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_tricks.data.idx import read_idx, read_images, read_labels
from lit_tricks.errors import UserError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 4, 5), dtype=np.uint8)


def idx_bytes(array: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, CODES[array.dtype.str[1:]], array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("shape", [(7,), (3, 4, 5), (2, 1, 3, 2)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzip"])
def test_every_dtype_and_rank_survives_the_round_trip(tmp_path, dtype, shape, pack):
    array = np.random.default_rng(1).integers(0, 100, shape).astype(dtype)
    read = read_idx(write(tmp_path, pack(idx_bytes(array))))
    np.testing.assert_array_equal(read, array)
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    assert read.flags.writeable


@pytest.mark.parametrize("name", ["images.gz", "images"])
def test_compression_is_told_by_content_not_by_suffix(tmp_path, name):
    for content in (idx_bytes(IMAGES), gzip.compress(idx_bytes(IMAGES))):
        np.testing.assert_array_equal(read_images(write(tmp_path, content, name)), IMAGES)


def test_gzip_of_several_members_is_one_content(tmp_path):
    content = idx_bytes(IMAGES)
    path = write(tmp_path, gzip.compress(content[:13]) + gzip.compress(content[13:]))
    np.testing.assert_array_equal(read_idx(path), IMAGES)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzip"])
def test_tap_sees_exactly_the_uncompressed_content(tmp_path, pack):
    # More than one chunk, so that the pieces have to join.
    content = idx_bytes(np.arange(3 * 2**20, dtype=np.int64).astype(np.uint8))
    digest = hashlib.sha256()
    read_idx(write(tmp_path, pack(content)), tap=digest.update)
    assert digest.hexdigest() == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzip"])
def test_truncation_anywhere_is_named(tmp_path, pack):
    content = pack(idx_bytes(IMAGES))
    for length in range(len(content)):
        path = write(tmp_path, content[:length])
        with pytest.raises(UserError, match=f"{re.escape(str(path))} must be a complete IDX file; its? .*end"):
            read_idx(path)


def test_flipped_byte_never_passes_for_the_original(tmp_path):
    content = idx_bytes(IMAGES)
    for position in range(len(content)):
        altered = bytearray(content)
        altered[position] ^= 0xFF
        assert changes_digest_or_raises(write(tmp_path, bytes(altered)), content), position


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_flipped_gzip_bit_gives_the_original_or_an_error(tmp_path_factory, position, bit):
    packed = bytearray(gzip.compress(idx_bytes(IMAGES), mtime=0))
    packed[position % len(packed)] ^= 1 << bit
    path = write(tmp_path_factory.getbasetemp(), bytes(packed), "flipped.gz")
    try:
        np.testing.assert_array_equal(read_idx(path), IMAGES)
    except UserError as error:
        assert str(path) in str(error)  # noqa: PT017 (either outcome is right)


def changes_digest_or_raises(path: Path, original: bytes) -> bool:
    digest = hashlib.sha256()
    try:
        read_idx(path, tap=digest.update)
    except UserError:
        return True
    return digest.digest() != hashlib.sha256(original).digest()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<html>not found</html>", "its magic number is 3c 68 74 6d"),
        (b"\0\0\x0a\x01\0\0\0\x01x", "its magic number is 00 00 0a 01"),
        (b"\0\0\x08\x00x", "its magic number is 00 00 08 00"),
        (b"\0\0\x08\xff" + b"\0\0\0\x01" * 255 + b"x", "its magic number is 00 00 08 ff"),
        (b"\0\0\x08\x02\0\0\0\0\xff\xff\xff\xff", "announces shape (0, 4294967295), 0 bytes"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "announces shape (4294967295, 4294967295, 4294967295)"),
        (idx_bytes(IMAGES) + b"\0", "goes on after the 60 bytes"),
        (gzip.compress(idx_bytes(IMAGES) + b"\0", mtime=0), "goes on after the 60 bytes"),
        (gzip.compress(idx_bytes(IMAGES), mtime=0) + b"rubbish", "its gzip stream is damaged"),
    ],
)
def test_malformed_files_are_named(tmp_path, content, found):
    path = write(tmp_path, content)
    with pytest.raises(UserError, match=re.escape(found)) as raised:
        read_idx(path)
    assert str(path) in str(raised.value)


def test_announced_size_is_bounded_before_memory_is_taken(tmp_path):
    path = write(tmp_path, idx_bytes(IMAGES))
    assert read_idx(path, max_bytes=60).shape == (3, 4, 5)
    with pytest.raises(UserError, match="60 bytes where 1 to 59 are allowed"):
        read_idx(path, max_bytes=59)


def test_decompression_bomb_stops_early(tmp_path):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as stream:
        stream.write(idx_bytes(IMAGES))
        for _ in range(64):
            stream.write(bytes(2**20))
    path = write(tmp_path, packed.getvalue())
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="goes on after the 60 bytes"):
            read_idx(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2**20, "64 MiB of zeros lie behind the announced 60 bytes"


def test_absent_file_and_folder_are_named(tmp_path):
    with pytest.raises(UserError, match="No such file or directory"):
        read_idx(tmp_path / "absent")
    with pytest.raises(UserError, match="Is a directory"):
        read_idx(tmp_path)


def test_images_and_labels_are_told_apart(tmp_path):
    images, labels = write(tmp_path, idx_bytes(IMAGES), "i"), write(tmp_path, idx_bytes(IMAGES[0, 0]), "l")
    np.testing.assert_array_equal(read_labels(labels), IMAGES[0, 0])
    with pytest.raises(UserError, match=r"images are uint8 with 3 dimension\(s\), it holds uint8 \(5,\)"):
        read_images(labels)
    with pytest.raises(UserError, match=r"labels are uint8 with 1 dimension\(s\), it holds uint8 \(3, 4, 5\)"):
        read_labels(images)
    with pytest.raises(UserError, match="it holds int16"):
        read_labels(write(tmp_path, idx_bytes(np.arange(4, dtype="i2"))))
