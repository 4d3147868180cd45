"""A user's own arrays in one ``.npz`` file."""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, Unpack

import numpy as np
import torch

from lit_tricks.data.datamodule import ArrayDataModule
from lit_tricks.data.files import check_bytes, require_file
from lit_tricks.data.labels import apply_labels, index_labels, listing
from lit_tricks.data.npz import read_npz
from lit_tricks.data.options import Options
from lit_tricks.data.source import Examples, Loaded, Source, named_after
from lit_tricks.errors import UserError

logger = logging.getLogger("lit_tricks")

CHANNELS = (1, 3, 4)
SMALL_DEPTH = 64
"""Images of whole numbers whose largest value is below this are taken to have fewer than 8 bits."""

_INPUTS = {2: "table", 3: "image", 4: "image"}


class NPZSource(Source):
    """Reads ``x_train``, ``y_train``, optionally ``x_test``, ``y_test``, or one ``x``, ``y``; ``class_names`` too.

    Inputs of 2 dimensions are a table (N, D); of 3, grey images (N, H, W); of 4, images: (N, C, H, W) when the
    second axis is 1, 3 or 4 long, else (N, H, W, C) when the last is. Images of whole numbers in 0..255 are kept
    as ``uint8``, all else becomes ``float32``. Labels are whole numbers or strings; with ``class_names`` they are
    indices into it, or the names.

    ``value_range`` of images is (0, 255) for ``uint8``, or (0, largest training value) if that is below 64;
    (0, 1) for other images inside it; None otherwise. ``kind`` is known after ``load``.
    """

    kind: Literal["image", "table"] = "image"

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = path
        self.name = named_after(path, "npz")

    def load(self) -> Loaded:
        """Return the arrays; raises ``UserError`` for what is wrong with them."""
        path = require_file(self.path, "data.path", "data=npz")
        arrays = read_npz(path, ("x_train", "y_train", "x_test", "y_test", "x", "y", "class_names"))
        inputs, labels = _training_names(arrays, path)
        self.kind = "table" if arrays[inputs].ndim == 2 else "image"
        x, texts = _checked_pair(arrays, inputs, labels, path)
        y, indices, class_names = _training_labels(texts, arrays, labels, path)
        test = None
        if "x_test" in arrays:
            test_x, test_texts = _checked_pair(arrays, "x_test", "y_test", path)
            if test_x.shape[1:] != x.shape[1:]:
                raise UserError(
                    f"training and test inputs must have one shape; {path} holds {tuple(x.shape[1:])} in {inputs} "
                    f"and {tuple(test_x.shape[1:])} in x_test: make them equal"
                )
            test_y = apply_labels(test_texts, f"y_test of {path}", indices)
            test = Examples(torch.from_numpy(test_x), torch.from_numpy(test_y))
        value_range = _value_range(x) if self.kind == "image" else None
        return Loaded(Examples(torch.from_numpy(x), torch.from_numpy(y)), test, class_names, value_range)


class NPZDataModule(ArrayDataModule):
    """A user's arrays as batches; ``path`` as in ``NPZSource``, then the arguments of ``ArrayDataModule``."""

    def __init__(self, path: str | Path | None = None, **common: Unpack[Options]) -> None:
        super().__init__(NPZSource(path), **common)


def as_inputs(array: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Return inputs as (N, D) ``float32``, or images (N, C, H, W) ``uint8`` or ``float32``; see ``NPZSource``.

    Raises ``UserError`` for other dimensions, text, and values that are not finite.
    """
    if array.ndim not in _INPUTS or array.dtype.kind not in "biuf" or 0 in array.shape:
        raise UserError(
            f"inputs must be numbers (N, features), (N, H, W), (N, C, H, W) or (N, H, W, C); {name} of {path} is "
            f"{array.dtype} {array.shape}: reshape it"
        )
    if array.ndim > 2:
        array = _channels_first(array, name, path)
    if array.ndim > 2 and _are_bytes(array):
        return np.ascontiguousarray(array, dtype=np.uint8)
    check_bytes(4 * array.size, f"{name} of {path} as float32", "store images as uint8")
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(array, dtype=np.float32)
    finite = np.isfinite(numbers.reshape(len(numbers), -1)).all(axis=1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        raise UserError(
            f"inputs must be finite numbers within float32; {name} of {path} holds NaN or Inf in "
            f"{int((~finite).sum())} rows, first in row {row}: fill them in or leave those rows out"
        )
    return numbers


def _are_bytes(array: np.ndarray) -> bool:
    if array.dtype == np.uint8:
        return True
    # NaN fails the comparison.
    return bool(array.min() >= 0 and array.max() <= 255 and (np.floor(array) == array).all())


def _channels_first(array: np.ndarray, name: str, path: Path) -> np.ndarray:
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


def _training_names(arrays: Collection[str], path: Path) -> tuple[str, str]:
    for names in (("x_train", "y_train"), ("x", "y")):
        if names[0] in arrays and names[1] in arrays:
            if ("x_test" in arrays) != ("y_test" in arrays):
                raise UserError(f"a test split needs x_test and y_test; {path} holds only one of them: add the other")
            return names
    held = listing(sorted(arrays)) or "none of these"
    raise UserError(f"{path} must hold the arrays x_train and y_train, or x and y; it holds {held}: rename them")


def _checked_pair(
    arrays: Mapping[str, np.ndarray], inputs: str, labels: str, path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and labels as strings, equally many."""
    x = as_inputs(arrays[inputs], inputs, path)
    texts = _label_strings(arrays[labels], f"{labels} of {path}")
    if len(x) != len(texts):
        raise UserError(
            f"inputs and labels must have equally many rows; {path} holds {len(x)} in {inputs} and {len(texts)} in "
            f"{labels}: write matching arrays"
        )
    return x, texts


def _training_labels(
    texts: np.ndarray, arrays: Mapping[str, np.ndarray], labels: str, path: Path
) -> tuple[np.ndarray, dict[str, int], tuple[str, ...]]:
    """Return class indices, the mapping from a label's string to them, and the class names."""
    where = f"{labels} of {path}"
    if "class_names" not in arrays:
        indices, class_names = index_labels(texts, where, "check the array")
        return apply_labels(texts, where, indices), indices, class_names
    class_names = tuple(str(name) for name in arrays["class_names"].reshape(-1).tolist())
    if len(set(class_names)) < max(2, len(class_names)):
        raise UserError(f"class_names must be at least 2, and differ; {where} has {listing(class_names)}: correct them")
    by_name = arrays[labels].dtype.kind in "US"
    indices = {name if by_name else str(index): index for index, name in enumerate(class_names)}
    outside = sorted(set(texts.tolist()) - set(indices))
    if outside:
        raise UserError(
            f"labels must be indices into class_names, or the names; {where} also holds {listing(outside)}, "
            f"class_names holds {len(class_names)} from 0: correct either"
        )
    return apply_labels(texts, where, indices), indices, class_names


def _label_strings(array: np.ndarray, where: str) -> np.ndarray:
    flat = array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.ndim != 1 or not len(flat):
        raise UserError(
            f"labels must be one whole number or string a row, shape (N,); {where} is {array.dtype} {array.shape}: "
            "for one-hot labels store y.argmax(1)"
        )
    if flat.dtype.kind == "f":
        if not (np.isfinite(flat).all() and (flat == np.floor(flat)).all()):
            raise UserError(f"labels must be whole numbers or strings; {where} holds fractions or NaN: convert it")
        flat = flat.astype(np.int64)
    texts = np.char.decode(flat, "utf-8") if flat.dtype.kind == "S" else flat
    return np.array([str(value) for value in texts.tolist()], dtype=object)


def _value_range(x: np.ndarray) -> tuple[float, float] | None:
    low, high = float(x.min()), float(x.max())
    if x.dtype == np.uint8:
        return (0.0, high) if 0 < high < SMALL_DEPTH else (0.0, 255.0)
    return (0.0, 1.0) if low >= 0 and high <= 1 else None
