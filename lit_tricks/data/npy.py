"""The ``.npy`` format without trust in the file: headers of bounded size, arrays mapped instead of read."""

import math
import os
import tokenize
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from lit_tricks.errors import UserError

MAX_HEADER = 10_000
_VERSIONS = ((1, 0), (2, 0), (3, 0))


@dataclass(frozen=True)
class Header:
    """What the beginning of a ``.npy`` file announces: ``count`` bytes of data from ``offset`` on."""

    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool
    offset: int

    @property
    def count(self) -> int:
        """Bytes of the data."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: BinaryIO, name: str, where: str | Path) -> Header:
    """Return the header that ``stream`` begins with; nothing of it is executed, nothing unpickled.

    Raises ``UserError`` when it announces objects, complex numbers or structures as the array ``name`` of
    ``where``, and ``ValueError`` when it is no header.
    """
    version = np.lib.format.read_magic(stream)
    if version not in _VERSIONS:
        raise ValueError(f"version {version} of the format is unknown")
    # version 3 differs from 2 in the names of fields, which only structures have
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, fortran, dtype = read(stream, max_header_size=MAX_HEADER)
    except (SyntaxError, TypeError, tokenize.TokenError, RecursionError) as error:
        raise ValueError(f"its header cannot be read ({type(error).__name__})") from error
    if dtype.hasobject or dtype.kind not in "biufUS":
        raise UserError(
            f"arrays must hold numbers or strings; {name} of {where} has dtype {dtype}: convert it with astype first"
        )
    if any(size < 0 for size in shape):
        raise ValueError(f"it announces shape {shape}")
    return Header(shape, dtype, fortran, stream.tell())


def map_npy(path: Path) -> np.ndarray:
    """Return the array of a ``.npy`` file, read-only and mapped: pages are read from disk when they are used.

    Raises ``UserError`` that names the file when it is damaged or no ``.npy`` file, and when it is not laid out as
    memory would be: row by row, in this machine's byte order, in numbers of at most 64 bits.
    """
    try:
        with path.open("rb") as stream:
            header = read_header(stream, path.stem, path.parent)
            held = os.fstat(stream.fileno()).st_size - header.offset
    except (OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} must be a .npy file; {error}: write it with numpy.save") from error
    if held != header.count:
        raise UserError(
            f"{path} must be a complete .npy file; it announces shape {header.shape} of {header.dtype}, "
            f"{header.count} bytes, and holds {held}: write it again with numpy.save"
        )
    several = sum(size > 1 for size in header.shape) > 1
    if (
        (header.fortran and several)
        or not header.dtype.isnative
        or (header.dtype.kind == "f" and header.dtype.itemsize > 8)
    ):
        order = "column by column" if header.fortran else "row by row"
        raise UserError(
            f"a mapped array must lie row by row, in native byte order, in at most 64 bits a number; {path} holds "
            f"{header.dtype}, {order}: write it again "
            "with numpy.save(file, numpy.ascontiguousarray(array, dtype='float32'))"
        )
    if not header.count:
        return np.empty(header.shape, header.dtype)
    return np.memmap(path, dtype=header.dtype, mode="r", offset=header.offset, shape=header.shape)


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """Return a tensor over the memory of ``array``, which nothing must write to if it is mapped."""
    with warnings.catch_warnings():
        # A mapping that may be written to counts as memory in use, so one larger than memory would be refused.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)
