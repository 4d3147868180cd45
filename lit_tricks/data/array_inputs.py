"""Inputs in arrays: where their axes are, which dtype they train in, which values they hold."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lit_tricks.data.files import check_bytes
from lit_tricks.errors import UserError

logger = logging.getLogger("lit_tricks")

CHANNELS = (1, 3, 4)
SMALL_DEPTH = 64
"""Images of whole numbers whose largest value is below this are taken to have fewer than 8 bits."""

_CHUNK_VALUES = 2**20
_DIMENSIONS = (2, 3, 4)


def as_inputs(array: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Return inputs as (N, D) ``float32``, or images (N, C, H, W) ``uint8`` or ``float32``; see ``ArraySource``.

    Raises ``UserError`` for other dimensions, text, and values that are not finite.
    """
    view = laid_out(array, name, path)
    return converted(view, survey(view, name, path)[0], name, path)


def converted(view: np.ndarray, dtype: np.dtype, name: str, path: Path) -> np.ndarray:
    """Return ``laid_out`` inputs in ``dtype``, row by row; raises ``UserError`` when they are too many for memory."""
    check_bytes(dtype.itemsize * view.size, f"{name} of {path} as {dtype}", "try data=npy with a .npy file an array")
    return np.ascontiguousarray(view, dtype=dtype)


def laid_out(array: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Return a view of ``array``, called ``name`` in ``path``, as a table (N, D) or as images (N, C, H, W).

    Raises ``UserError`` for other dimensions and for text.
    """
    if array.ndim not in _DIMENSIONS or array.dtype.kind not in "biuf" or 0 in array.shape:
        raise UserError(
            f"inputs must be numbers (N, features), (N, H, W), (N, C, H, W) or (N, H, W, C); {name} of {path} is "
            f"{array.dtype} {array.shape}: reshape it"
        )
    if array.ndim == 2:
        return array
    if array.ndim == 3:
        return array[:, np.newaxis]
    first, last = array.shape[1] in CHANNELS, array.shape[3] in CHANNELS
    if first and last:
        logger.info("%s of %s: shape %s is read as (N, C, H, W)", name, path.name, array.shape)
    if first:
        return array
    if last:
        return array.transpose(0, 3, 1, 2)
    raise UserError(
        f"images must have 1, 3 or 4 channels on the second or the last axis; {name} of {path} is {array.shape}: "
        "transpose it to (N, C, H, W)"
    )


def survey(view: np.ndarray, name: str, path: Path) -> tuple[np.dtype, tuple[float, float] | None]:
    """Return the dtype that ``laid_out`` inputs train in, and the range of their values.

    Images of whole numbers in 0..255 train as ``uint8``, all else as ``float32``. The range of images is
    (0, 255) for ``uint8``, or (0, largest value) if that is below 64; (0, 1) for other images inside it; None
    otherwise and for tables. A million values are looked at a time.

    Raises ``UserError`` for values that are not finite within ``float32``.
    """
    image, floating = view.ndim > 2, view.dtype.kind == "f"
    low, high, whole, bad, first_bad = np.inf, -np.inf, image, 0, 0
    for start, piece in _pieces(view):
        if not (image or floating):
            break
        with np.errstate(over="ignore"):
            numbers = piece if piece.dtype == np.uint8 else piece.astype(np.float32)
        low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
        if view.dtype == np.uint8 and high >= SMALL_DEPTH:
            break
        # NaN fails the comparison
        whole = whole and bool(piece.min() >= 0 and piece.max() <= 255 and (np.floor(piece) == piece).all())
        rows = np.flatnonzero(~np.isfinite(numbers.reshape(len(numbers), -1)).all(axis=1))
        if len(rows):
            first_bad = first_bad if bad else start + int(rows[0])
            bad += len(rows)
    if bad:
        raise UserError(
            f"inputs must be finite numbers within float32; {name} of {path} holds NaN or Inf in {bad} rows, first "
            f"in row {first_bad}: fill them in or leave those rows out"
        )
    if whole:
        return np.dtype(np.uint8), (0.0, high) if 0 < high < SMALL_DEPTH else (0.0, 255.0)
    return np.dtype(np.float32), (0.0, 1.0) if image and low >= 0 and high <= 1 else None


def _pieces(view: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    size = max(1, _CHUNK_VALUES // (view.size // len(view)))
    for start in range(0, len(view), size):
        yield start, view[start : start + size]
