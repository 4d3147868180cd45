"""Reads ``.npz`` archives whose announced sizes are checked before memory is given to them."""

import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from lit_tricks.data.files import check_bytes
from lit_tricks.data.npy import MAX_HEADER, read_header
from lit_tricks.errors import UserError


def read_npz(path: Path, wanted: Collection[str]) -> dict[str, np.ndarray]:
    """Return those of the ``wanted`` arrays that the archive holds, in native byte order.

    Each member's ``.npy`` header is read first: object, complex and structured arrays are refused, so nothing is
    ever unpickled, and the sizes that headers and archive announce must agree and fit into ``files.MAX_BYTES``.

    Raises ``UserError`` that names the file, and the array, for anything else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            chosen = {name: members[name] for name in wanted if name in members}
            announced = {name: _announced_bytes(archive, info, path, name) for name, info in chosen.items()}
            check_bytes(sum(announced.values()), str(path), "split the file, or train on .npy files with data=npy")
            return {name: _read(archive, info) for name, info in chosen.items()}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} must be a complete .npz archive; {error}: write it with numpy.savez") from error


def _announced_bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, name: str) -> int:
    with archive.open(info) as stream:
        header = read_header(cast(BinaryIO, stream), name, path)
    if header.offset + header.count != info.file_size:
        raise UserError(
            f"{path} must be a complete .npz archive; {name} announces shape {header.shape} of {header.dtype}, "
            f"{header.count} bytes, and holds {info.file_size - header.offset}: write it again with numpy.savez"
        )
    return header.count


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False, max_header_size=MAX_HEADER)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
