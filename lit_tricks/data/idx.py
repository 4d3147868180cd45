"""Reads IDX, the array format that MNIST is published in, without trusting the file."""

import gzip
import io
import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lit_tricks.errors import UserError

MAX_BYTES = 2**30
_CHUNK = 2**20
_MAX_DIMENSIONS = 32
_GZIP_MAGIC = b"\x1f\x8b"
_DTYPES: dict[int, type[np.generic]] = {
    0x08: np.uint8,
    0x09: np.int8,
    0x0B: np.int16,
    0x0C: np.int32,
    0x0D: np.float32,
    0x0E: np.float64,
}

Tap = Callable[[memoryview], object]


def read_idx(path: str | Path, *, max_bytes: int = MAX_BYTES, tap: Tap | None = None) -> np.ndarray:
    """Return the array of an IDX file, raw or gzip (told by its content, not by its name).

    Args:
        path: the file.
        max_bytes: most bytes that the header may announce; a gzip stream is decompressed no further than the
            announced size and one buffer, so a decompression bomb stops early.
        tap: called with each piece of the uncompressed content in order, for example ``sha256().update``.

    Returns:
        A new array in native byte order, of the shape and dtype that the header names.

    Raises:
        UserError: names the file and what is wrong, when it is not IDX, announces more than ``max_bytes``,
            is truncated, damaged, longer than announced, or cannot be read.
    """
    try:
        with _uncompressed(Path(path)) as stream:
            return _read_array(stream, path, max_bytes, tap)
    except EOFError as error:
        raise _broken(path, "its gzip stream ends early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _broken(path, f"its gzip stream is damaged ({error})") from error
    except OSError as error:
        raise _broken(path, f"reading it failed ({error.strerror or error})") from error


def read_images(path: str | Path, *, max_bytes: int = MAX_BYTES, tap: Tap | None = None) -> np.ndarray:
    """Return grey images, (N, height, width) ``uint8``; ``UserError`` for any other IDX content."""
    return _expect(read_idx(path, max_bytes=max_bytes, tap=tap), 3, "images", path)


def read_labels(path: str | Path, *, max_bytes: int = MAX_BYTES, tap: Tap | None = None) -> np.ndarray:
    """Return class labels, (N,) ``uint8``; ``UserError`` for any other IDX content."""
    return _expect(read_idx(path, max_bytes=max_bytes, tap=tap), 1, "labels", path)


@contextmanager
def _uncompressed(path: Path) -> Iterator[io.BufferedIOBase]:
    with path.open("rb") as file:
        is_gzip = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        if is_gzip:
            with gzip.GzipFile(fileobj=file) as stream:
                yield stream
        else:
            yield file


def _read_array(stream: io.BufferedIOBase, path: str | Path, max_bytes: int, tap: Tap | None) -> np.ndarray:
    magic = _take(stream, 4, "magic number", path, tap).tobytes()
    if magic[:2] != b"\0\0" or magic[2] not in _DTYPES or not 1 <= magic[3] <= _MAX_DIMENSIONS:
        raise _broken(path, f"its magic number is {magic.hex(' ')}")
    sizes = _take(stream, 4 * magic[3], "dimensions", path, tap).view(">u4")
    shape = tuple(int(size) for size in sizes)
    dtype = np.dtype(_DTYPES[magic[2]])
    n_bytes = math.prod(shape) * dtype.itemsize
    if not 0 < n_bytes <= max_bytes:
        raise _broken(path, f"its header announces shape {shape}, {n_bytes} bytes where 1 to {max_bytes} are allowed")
    payload = _take(stream, n_bytes, "values", path, tap)
    if stream.read(1):
        raise _broken(path, f"it goes on after the {n_bytes} bytes that its header announces")
    return payload.view(dtype.newbyteorder(">")).astype(dtype, copy=False).reshape(shape)


def _take(stream: io.BufferedIOBase, n_bytes: int, what: str, path: str | Path, tap: Tap | None) -> np.ndarray:
    content = np.empty(n_bytes, np.uint8)
    view = content.data
    done = 0
    while done < n_bytes:
        count = stream.readinto(view[done : done + _CHUNK])
        if not count:
            raise _broken(path, f"it ends after {done} of the {n_bytes} bytes of its {what}")
        if tap is not None:
            tap(view[done : done + count])
        done += count
    return content


def _expect(array: np.ndarray, dimensions: int, what: str, path: str | Path) -> np.ndarray:
    if array.ndim != dimensions or array.dtype != np.uint8:
        raise _broken(path, f"{what} are uint8 with {dimensions} dimension(s), it holds {array.dtype} {array.shape}")
    return array


def _broken(path: str | Path, found: str) -> UserError:
    return UserError(f"{path} must be a complete IDX file; {found}: restore it, or delete it for a fresh download")
