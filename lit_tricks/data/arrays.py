"""A user's own arrays: in one ``.npz`` file, or mapped from ``.npy`` files."""

import logging
from abc import abstractmethod
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, Unpack

import numpy as np
import torch

from lit_tricks.data.array_inputs import converted, laid_out, survey
from lit_tricks.data.array_labels import Labels, read_labels, training_classes
from lit_tricks.data.datamodule import ArrayDataModule
from lit_tricks.data.files import require_file, require_folder
from lit_tricks.data.labels import listing
from lit_tricks.data.npy import as_tensor, map_npy
from lit_tricks.data.npz import read_npz
from lit_tricks.data.options import Options
from lit_tricks.data.source import Examples, Loaded, Source, named_after
from lit_tricks.errors import UserError

logger = logging.getLogger("lit_tricks")

NAMES = ("x_train", "y_train", "x_test", "y_test", "x", "y", "class_names")


class ArraySource(Source):
    """Reads ``x_train``, ``y_train``, optionally ``x_test``, ``y_test``, or one ``x``, ``y``; ``class_names`` too.

    Inputs of 2 dimensions are a table (N, D); of 3, grey images (N, H, W); of 4, images: (N, C, H, W) when the
    second axis is 1, 3 or 4 long, else (N, H, W, C) when the last is. Images of whole numbers in 0..255 train
    as ``uint8``, all else as ``float32``. Labels are whole numbers or strings; with ``class_names`` they are
    indices into it, or the names.

    ``value_range`` is what ``survey`` says of the training inputs. ``kind`` is known after ``load``.
    """

    kind: Literal["image", "table"] = "image"

    @abstractmethod
    def arrays(self) -> tuple[Mapping[str, np.ndarray], Path]:
        """Return those of ``NAMES`` that there are, and where they come from."""

    @abstractmethod
    def stored(self, view: np.ndarray, dtype: np.dtype, name: str, path: Path) -> np.ndarray:
        """Return the inputs ``name`` of ``path`` as the store keeps them, whatever its dtype."""

    def load(self) -> Loaded:
        """Return the arrays; raises ``UserError`` for what is wrong with them."""
        arrays, path = self.arrays()
        inputs, labels = _training_names(arrays, path)
        x, y = _pair(arrays, inputs, labels, path)
        self.kind = "table" if x.ndim == 2 else "image"
        classes, class_names = training_classes(y, arrays, labels)
        train, value_range = self._examples(x, y, classes, inputs, path)
        test = None
        if "x_test" in arrays:
            x, y = _pair(arrays, "x_test", "y_test", path)
            test, _ = self._examples(x, y, classes, "x_test", path)
            if test.shape[1:] != train.shape[1:]:
                raise UserError(
                    f"training and test inputs must have one shape; {path} holds {train.shape[1:]} in {inputs} "
                    f"and {test.shape[1:]} in x_test: make them equal"
                )
        return Loaded(train, test, class_names, value_range)

    def _examples(
        self, view: np.ndarray, labels: Labels, classes: dict[str, int], name: str, path: Path
    ) -> tuple[Examples, tuple[float, float] | None]:
        """Return one split, and the range of its inputs."""
        y = torch.from_numpy(labels.indices(classes))
        dtype, value_range = survey(view, name, path)
        store = as_tensor(self.stored(view, dtype, name, path))
        cast = torch.uint8 if dtype == np.uint8 else torch.float32
        return Examples(store, y, cast=None if store.dtype == cast else cast), value_range


class NPZSource(ArraySource):
    """Reads the arrays of one ``.npz`` file into memory; which ones, and what they may be, says ``ArraySource``."""

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = path
        self.name = named_after(path, "npz")

    def arrays(self) -> tuple[Mapping[str, np.ndarray], Path]:
        """Return the arrays of the file."""
        path = require_file(self.path, "data.path", "data=npz")
        return read_npz(path, NAMES), path

    def stored(self, view: np.ndarray, dtype: np.dtype, name: str, path: Path) -> np.ndarray:
        """Return the inputs in ``dtype``."""
        return converted(view, dtype, name, path)


class NPYSource(ArraySource):
    """Maps the inputs from one ``.npy`` file an array, ``FOLDER/x_train.npy`` and so on, which are never read whole.

    Inputs stay on disk as they are, so they may be larger than memory; those of another dtype than they train in
    are converted batch by batch. They must lie row by row and in native byte order, see ``map_npy``. What arrays
    there are, and what they may be, says ``ArraySource``.

    The system keeps what it read of a file in memory as long as nothing else needs the room, and then counts it
    to the process; it is the first to go.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = path
        self.name = named_after(path, "npy")

    def arrays(self) -> tuple[Mapping[str, np.ndarray], Path]:
        """Return the arrays of the folder, mapped."""
        folder = require_folder(self.path, "data.path", "data=npy")
        return {name: map_npy(folder / f"{name}.npy") for name in NAMES if (folder / f"{name}.npy").exists()}, folder

    def stored(self, view: np.ndarray, dtype: np.dtype, name: str, path: Path) -> np.ndarray:
        """Return the inputs as they lie in the file."""
        note = "" if view.dtype == dtype else f", {view.dtype} converted to {dtype} batch by batch"
        logger.info("%s of %s: %.3g MB mapped from disk%s", name, path.name, view.nbytes / 1e6, note)
        return view


class NPZDataModule(ArrayDataModule):
    """A user's arrays as batches; ``path`` as in ``NPZSource``, then the arguments of ``ArrayDataModule``."""

    def __init__(self, path: str | Path | None = None, **common: Unpack[Options]) -> None:
        super().__init__(NPZSource(path), **common)


class NPYDataModule(ArrayDataModule):
    """Arrays larger than memory as batches; ``path`` as in ``NPYSource``, then as in ``ArrayDataModule``."""

    def __init__(self, path: str | Path | None = None, **common: Unpack[Options]) -> None:
        super().__init__(NPYSource(path), **common)


def _training_names(arrays: Collection[str], path: Path) -> tuple[str, str]:
    for names in (("x_train", "y_train"), ("x", "y")):
        if names[0] in arrays and names[1] in arrays:
            if ("x_test" in arrays) != ("y_test" in arrays):
                raise UserError(f"a test split needs x_test and y_test; {path} holds only one of them: add the other")
            return names
    held = listing(sorted(arrays)) or "none of these"
    raise UserError(f"{path} must hold the arrays x_train and y_train, or x and y; it holds {held}: rename them")


def _pair(arrays: Mapping[str, np.ndarray], inputs: str, labels: str, path: Path) -> tuple[np.ndarray, Labels]:
    """Return inputs as a view and their labels, equally many."""
    x, y = laid_out(arrays[inputs], inputs, path), read_labels(arrays[labels], f"{labels} of {path}")
    if len(x) != len(y):
        raise UserError(
            f"inputs and labels must have equally many rows; {path} holds {len(x)} in {inputs} and {len(y)} in "
            f"{labels}: write matching arrays"
        )
    return x, y
