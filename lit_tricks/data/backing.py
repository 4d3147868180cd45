"""Room for arrays that are made here: in memory, or on disk where they would take too much of it."""

import logging
import math
import os
import shutil
import tempfile
from collections.abc import Iterable

import numpy as np

from lit_tricks.data import files
from lit_tricks.errors import UserError

logger = logging.getLogger("lit_tricks")

SHARE = 0.5
"""Largest part of the available memory that one array may take before it goes to disk."""


def assemble(pieces: Iterable[np.ndarray], shape: tuple[int, ...], what: str, remedy: str) -> np.ndarray:
    """Return ``pieces`` of ``uint8`` rows one after the other, (N, ...) of ``shape``.

    An array larger than ``SHARE`` of the available memory is written to a temporary file as the pieces come, and
    mapped, read-only. The file has no name wherever the system allows that, so nothing is left of it when the
    array, or the process however it ends, is gone. It lies in ``TMPDIR``, by default in ``/var/tmp``, since
    ``/tmp`` is memory on some systems.

    Raises ``UserError`` that says ``what`` needed the room, with the ``remedy``, when the disk is too small as well.
    """
    count = math.prod(shape)
    if count <= SHARE * files.available_bytes():
        array, start = np.empty(shape, dtype=np.uint8), 0
        for piece in pieces:
            array[start : start + len(piece)] = piece
            start += len(piece)
        return array
    folder = _folder()
    if count > shutil.disk_usage(folder).free:
        raise _too_small(what, count, folder, remedy)
    logger.info("%s: %.3g GB are kept in a temporary file in %s, not in memory", what, count / 1e9, folder)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            for piece in pieces:
                file.write(np.ascontiguousarray(piece).data)
            file.flush()
            return np.memmap(file, dtype=np.uint8, mode="r", shape=shape)
    except OSError as error:
        raise _too_small(what, count, folder, remedy) from error


def _folder() -> str:
    large = "/var/tmp"
    return large if "TMPDIR" not in os.environ and os.access(large, os.W_OK) else tempfile.gettempdir()


def _too_small(what: str, count: int, folder: str, remedy: str) -> UserError:
    return UserError(
        f"data that is too large for memory needs as much room on disk; {what} need {count / 1e9:.3g} GB in {folder}: "
        f"{remedy}, or set TMPDIR=FOLDER"
    )
