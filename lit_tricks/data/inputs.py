"""Files to predict, read the way the training data was."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lit_tricks.data.array_inputs import as_inputs
from lit_tricks.data.columns import typed_columns
from lit_tricks.data.decoding import read_images
from lit_tricks.data.delimited import Table, read_table
from lit_tricks.data.encoder import TableEncoder
from lit_tricks.data.files import require_file
from lit_tricks.data.idx import read_idx
from lit_tricks.data.image_files import is_image, list_images, refit
from lit_tricks.data.layout import match_columns
from lit_tricks.data.npy import as_tensor, map_npy
from lit_tricks.data.npz import read_npz
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError

logger = logging.getLogger("lit_tricks")

_TABLES = "this run was trained on tables, so input must be a CSV file"
_TABLE_SUFFIXES = frozenset({".csv", ".data", ".tab", ".tsv", ".txt"})
_BYTE_RANGE = (0.0, 255.0)


@dataclass(frozen=True)
class Inputs:
    """What to predict.

    Attributes:
        names: one per example: a file's path in its folder, ``a.npz[3]``, or ``row 4`` of a table, from 1.
        x: (N, *input_shape), raw as in training, ``uint8`` or ``float32``.
    """

    names: list[str]
    x: Tensor


def read_inputs(path: str | Path, spec: DataSpec) -> Inputs:
    """Return the examples in a file or folder, encoded, sized and coloured as ``spec`` says of the training data.

    A table is a delimited file with or without the label column, or an ``.npz``. Images are one image file, a
    folder (recursively, sorted), an IDX file, raw or gzip, or an ``.npz``; an ``.npz`` holds ``x`` or ``x_test``,
    and where it is taken, so is a ``.npy`` of one array.

    Files of 8-bit images are rescaled from 0..255 to ``spec.value_range`` where that differs (digits: 0..16) and
    become ``float32``; the values of an array are taken as they are, and those outside the range are said.

    Raises ``UserError`` that names the file.
    """
    found = Path(path).expanduser()
    if found.is_dir():
        if spec.kind == "table":
            raise UserError(f"{_TABLES}; received the folder {found}: try input=FILE.csv")
        return _image_inputs(_images_in(found), found, spec)
    found = require_file(path, "input", "predict")
    if found.suffix.lower() in (".npy", ".npz"):
        return _array_inputs(found, spec)
    if spec.kind == "table":
        if is_image(found):
            raise UserError(f"{_TABLES}; received the image {found}: try input=FILE.csv")
        return _table_inputs(found, spec)
    if found.suffix.lower() in _TABLE_SUFFIXES:
        raise UserError(
            f"this run was trained on images, so input must hold images; received the table {found}: "
            "try input=IMAGE.png or input=FOLDER"
        )
    if is_image(found):
        return _image_inputs([found], found.parent, spec)
    return _idx_inputs(found, spec)


def _table_inputs(path: Path, spec: DataSpec) -> Inputs:
    encoding = spec.encoding
    if encoding.get("format") == "csv":
        encoder = TableEncoder.from_dict(encoding["encoder"])
        text = list(encoder.categories)
        table = read_table(path, encoding["separator"], encoding["header"], encoding.get("decimal", "point"))
        table = match_columns(table, encoding["columns"], [*encoder.numeric, *text], encoding["label"])
        features = encoder.transform(typed_columns(table, encoder.numeric, text), str(path))
    else:
        table = _plain_columns(read_table(path), spec)
        features = typed_columns(table, table.names, ()).numbers.astype(np.float32)
        if np.isnan(features).any():
            row, column = np.argwhere(np.isnan(features))[0]
            raise UserError(
                f"inputs must not be missing; {path} has no value in column {table.names[column]!r} "
                f"of line {table.cells.index[row]}: fill it in"
            )
    return Inputs([f"row {row + 1}" for row in range(len(features))], torch.from_numpy(features))


def _plain_columns(table: Table, spec: DataSpec) -> Table:
    """Return the first columns, as many as there are features; one more may follow, the label."""
    if len(table.names) not in (spec.num_features, spec.num_features + 1):
        raise UserError(
            f"{table.path} must hold {spec.num_features} columns of numbers, and may hold the label as one more; "
            f"it holds {len(table.names)}: correct the file"
        )
    return Table(table.path, table.cells.iloc[:, : spec.num_features], table.has_header)


def _images_in(folder: Path) -> list[Path]:
    paths = list_images(folder)
    if not paths:
        raise UserError(f"input must hold image files; {folder} holds none that the suffix tells: try input=FOLDER")
    return paths


def _image_inputs(paths: list[Path], root: Path, spec: DataSpec) -> Inputs:
    _check_drawable(spec, paths[0])
    pixels = read_images(paths, spec.input_shape, remedy="remove them from the input")
    return Inputs([path.relative_to(root).as_posix() for path in paths], _rescaled(pixels, spec, paths[0]))


def _idx_inputs(path: Path, spec: DataSpec) -> Inputs:
    if "idx" not in path.name and path.suffix.lower() != ".gz":
        raise UserError(f"input must be an image file, a folder of them, an .npz or an IDX file; received {path}")
    array = read_idx(path)
    if array.ndim != 3 or array.dtype != np.uint8:
        raise UserError(
            f"input must be a file of images, uint8 (N, H, W); {path} holds {array.dtype} {array.shape}: "
            "try the file called images-idx3-ubyte"
        )
    return Inputs(_numbered(path, len(array)), _rescaled(_refitted(array[:, np.newaxis], spec, path), spec, path))


def _array_inputs(path: Path, spec: DataSpec) -> Inputs:
    if spec.encoding.get("format") == "csv":
        raise UserError(f"input must be a CSV file like the training data; received {path}: try input=FILE.csv")
    arrays = {"x": map_npy(path)} if path.suffix.lower() == ".npy" else read_npz(path, ("x", "x_test"))
    if not arrays:
        raise UserError(f"{path} must hold an array x or x_test; it holds neither: rename the array of inputs")
    name = "x" if "x" in arrays else "x_test"
    x = as_inputs(arrays[name], name, path)
    if x.ndim == 4 and x.dtype == np.uint8 and spec.kind == "image":
        x = _refitted(x, spec, path)
    if x.shape[1:] != tuple(spec.input_shape):
        raise UserError(
            f"inputs must have the training shape {tuple(spec.input_shape)}; {name} of {path} holds "
            f"{tuple(x.shape[1:])}: reshape or resize the array"
        )
    _say_outside(x, spec, path)
    return Inputs(_numbered(path, len(x)), torch.from_numpy(x))


def _refitted(images: np.ndarray, spec: DataSpec, path: Path) -> np.ndarray:
    if images.shape[1:] == tuple(spec.input_shape):
        return np.ascontiguousarray(images)
    _check_drawable(spec, path)
    if images.shape[1] not in (1, 3):
        raise UserError(
            f"images must have 1 or 3 channels to be resized to {tuple(spec.input_shape)}; {path} has "
            f"{images.shape[1]}: resize them first"
        )
    return np.stack([refit(image, spec.input_shape) for image in images])


def _check_drawable(spec: DataSpec, path: Path) -> None:
    if spec.input_shape[0] not in (1, 3):
        raise UserError(
            f"image files have 1 or 3 channels; the model was trained on {spec.input_shape[0]}, received {path}: "
            "try input=FILE.npz with an array x"
        )


def _rescaled(pixels: np.ndarray, spec: DataSpec, path: Path) -> Tensor:
    if spec.value_range is None:
        raise UserError(
            f"8-bit images need a known range of training values, and these had none; received {path}: "
            "try input=FILE.npz with an array x scaled as in training"
        )
    if spec.value_range == _BYTE_RANGE:
        return as_tensor(pixels)
    low, high = spec.value_range
    return as_tensor(pixels).float() * ((high - low) / _BYTE_RANGE[1]) + low


def _numbered(path: Path, count: int) -> list[str]:
    return [f"{path.name}[{row}]" for row in range(count)]


def _say_outside(x: np.ndarray, spec: DataSpec, path: Path) -> None:
    if spec.value_range is None:
        return
    low, high = spec.value_range
    least, most = float(x.min()), float(x.max())
    if least < low or most > high:
        logger.warning("%s: values lie in [%g, %g], those of training in [%g, %g]", path, least, most, low, high)
    elif high > 1 and most <= 1 and x.dtype != np.uint8:
        logger.warning("%s: no value exceeds 1, those of training go up to %g: not scaled alike?", path, high)
