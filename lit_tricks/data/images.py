"""A user's own images in one folder per class."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Unpack

import numpy as np
import torch

from lit_tricks.data.datamodule import ArrayDataModule
from lit_tricks.data.decoding import read_images
from lit_tricks.data.files import require_folder
from lit_tricks.data.image_files import UnreadableImage, list_images, probe_image, raise_unreadable, without_warnings
from lit_tricks.data.labels import class_order, listing
from lit_tricks.data.npy import as_tensor
from lit_tricks.data.options import Options
from lit_tricks.data.source import Examples, Loaded, Source, named_after
from lit_tricks.errors import UserError

logger = logging.getLogger("lit_tricks")

MAX_SIDE = 64
"""Longest side, in pixels, of an image size that nobody asked for."""

TRAIN_FOLDER = "train"
TEST_FOLDERS = ("test", "val", "valid", "validation")
REMEDY = "remove or replace them"

Colour = Literal["auto", "grey", "rgb"]


class ImageFolderSource(Source):
    """Reads the images of ``path/CLASS/``, recursively, as ``uint8`` (N, C, H, W) of one size.

    With ``path/train/CLASS/`` and ``path/test/CLASS/`` (or ``val``, ``valid``, ``validation``) the latter is the
    official test split; where there is both a test and a validation folder, the validation images join training,
    from which validation is drawn. Files are images by their suffix; hidden ones are ignored. Folders named by
    numbers sort by number.

    Args:
        path: the folder.
        image_size: pixels, one number for a square or (height, width); None is the most common size of the
            training images, scaled down to at most 64 pixels on the longer side. Images are resampled to it.
        colour: ``grey``, ``rgb``, or ``auto``: grey if all training files are of a grey format.
        threads: tells how many threads may decode; None is one for each core that the process may use.
    """

    kind = "image"

    def __init__(
        self,
        path: str | Path | None = None,
        image_size: int | Sequence[int] | None = None,
        colour: Colour = "auto",
        threads: Callable[[], int] | None = None,
    ) -> None:
        self.path = path
        self.name = named_after(path, "image_folder")
        self.image_size = None if image_size is None else _checked_size(image_size)
        if colour not in ("auto", "grey", "rgb"):
            raise UserError(f"data.colour must be auto, grey or rgb; received {colour!r}: try data.colour=auto")
        self.colour = colour
        self.threads = threads

    def load(self) -> Loaded:
        """Return the decoded images; one ``UserError`` names the unreadable files."""
        root = require_folder(self.path, "data.path", "data=image_folder")
        train_folders, test_folder = _split_folders(root)
        files: dict[str, list[Path]] = {}
        for folder in train_folders:
            for name, paths in _class_files(folder).items():
                files.setdefault(name, []).extend(paths)
        _check_classes(files, train_folders[0])
        names = tuple(class_order(np.array(list(files), dtype=object)))
        test_files = {} if test_folder is None else _class_files(test_folder)
        unknown = sorted(set(test_files) - set(files))
        if unknown:
            raise UserError(
                f"test classes must occur in training; {test_folder} also has {listing(unknown)}: "
                f"add them to {train_folders[0]} or remove them"
            )
        train_paths, train_labels = _in_class_order(names, files)
        test_paths, test_labels = _in_class_order(names, test_files)
        # Together, so that one message names all unreadable files.
        paths, shape = [*train_paths, *test_paths], self._choose_shape(train_paths)
        pixels = as_tensor(read_images(paths, shape, REMEDY, self.threads))
        train, test = pixels.split([len(train_paths), len(test_paths)])
        return Loaded(
            train=Examples(train, train_labels),
            test=None if test_folder is None else Examples(test, test_labels),
            class_names=names,
            value_range=(0.0, 255.0),
        )

    def _choose_shape(self, paths: list[Path]) -> tuple[int, int, int]:
        probes, failures = [], []
        with without_warnings():
            for path in paths:
                try:
                    probes.append(probe_image(path))
                except UnreadableImage as error:
                    failures.append((path, str(error)))
        if not probes:
            raise_unreadable(failures, REMEDY)
        colour = self.colour if self.colour != "auto" else "grey" if all(grey for _, grey in probes) else "rgb"
        sizes = Counter(size for size, _ in probes)
        common = min(sizes, key=lambda size: (-sizes[size], size))
        height, width = self.image_size or _capped(common)
        changed = len(probes) - sizes[(height, width)]
        summary = f"{len(probes)} images, {colour}, {height} x {width} pixels, {changed} of them resized"
        logger.info("%s: %s (data.image_size and data.colour change this)", self.path, summary)
        return (1 if colour == "grey" else 3, height, width)


class ImageFolderDataModule(ArrayDataModule):
    """A folder of images as batches; arguments as in ``ImageFolderSource``, then those of ``ArrayDataModule``."""

    def __init__(
        self,
        path: str | Path | None = None,
        image_size: int | Sequence[int] | None = None,
        colour: Colour = "auto",
        threads: Callable[[], int] | None = None,
        **common: Unpack[Options],
    ) -> None:
        super().__init__(ImageFolderSource(path, image_size, colour, threads), **common)


def _in_class_order(names: Sequence[str], files: Mapping[str, list[Path]]) -> tuple[list[Path], torch.Tensor]:
    """Return all paths, class by class, and their class indices."""
    paths = [path for name in names for path in files.get(name, [])]
    labels = [index for index, name in enumerate(names) for _ in files.get(name, [])]
    return paths, torch.tensor(labels, dtype=torch.int64)


def _split_folders(root: Path) -> tuple[list[Path], Path | None]:
    """Return the folders of the training part, and the one of the test part."""
    names = {folder.name for folder in _folders(root)}
    held_out = [name for name in TEST_FOLDERS if name in names]
    if TRAIN_FOLDER not in names or not (held_out or names == {TRAIN_FOLDER}):
        return [root], None
    if not held_out:
        return [root / TRAIN_FOLDER], None
    if len(held_out) > 1 and held_out[0] == "test":
        logger.info("%s: test/ is the test split; %s joins train/", root, ", ".join(held_out[1:]))
        return [root / TRAIN_FOLDER, *(root / name for name in held_out[1:])], root / "test"
    return [root / TRAIN_FOLDER], root / held_out[0]


def _folders(parent: Path) -> list[Path]:
    return sorted(
        Path(entry) for entry in os.scandir(parent) if entry.is_dir() and not entry.name.startswith((".", "__"))
    )


def _class_files(folder: Path) -> dict[str, list[Path]]:
    return {child.name: list_images(child) for child in _folders(folder)}


def _check_classes(files: dict[str, list[Path]], root: Path) -> None:
    if len(files) < 2:
        found = f"only the folder {next(iter(files))}" if files else "no folders"
        raise UserError(
            f"a classifier needs at least 2 classes, one folder each; {root} holds {found}: "
            "sort the images into FOLDER/CLASS/"
        )
    empty = [name for name, paths in files.items() if not paths]
    if empty:
        raise UserError(
            f"every class folder must hold images; {root} has none in {listing(sorted(empty))}: "
            "add images or remove the folder"
        )


def _checked_size(size: int | Sequence[int]) -> tuple[int, int]:
    pair = tuple(size) if isinstance(size, Sequence) else (size, size)
    if len(pair) != 2 or any(isinstance(side, bool) or not isinstance(side, int) or side < 1 for side in pair):
        raise UserError(
            f"data.image_size must be a number of pixels or [height,width]; received {size!r}: try data.image_size=32"
        )
    return pair


def _capped(size: tuple[int, int]) -> tuple[int, int]:
    factor = min(1.0, MAX_SIDE / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
