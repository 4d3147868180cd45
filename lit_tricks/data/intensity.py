"""Digits described by two numbers: how bright the whole image is, and how bright its middle."""

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import torch

from lit_tricks.data.datamodule import ArrayDataModule
from lit_tricks.data.mnist import MNISTSource
from lit_tricks.data.options import Options
from lit_tricks.data.source import Examples, Loaded, Source

# A narrow upright window: a 1 crosses it, a 0 leaves it empty. The last row and column are included.
WINDOW = (slice(10, 18), slice(11, 17))


class MNISTIntensitySource(Source):
    """MNIST's images of some digits, each as two features in [0, 1].

    The first is the mean of pixel/255 over the image, the second over rows 10-17 and columns 11-16, counted from 0.

    Args:
        classes: the digits to keep, at least 2 different ones in 0..9; they become classes in this order.
        data_dir: as for ``MNISTSource``.

    Raises ``UserError`` for other classes.
    """

    name = "mnist_intensity"
    kind = "table"

    def __init__(self, classes: Sequence[int] = (0, 1), data_dir: str | Path | None = None) -> None:
        self.images = MNISTSource(data_dir, classes=classes)

    def prepare(self) -> None:
        """Download MNIST if it is not there."""
        self.images.prepare()

    def load(self) -> Loaded:
        """Return ``x`` float32 (N, 2) with the official test split."""
        loaded = self.images.load()
        return Loaded(
            train=_described(loaded.train),
            test=None if loaded.test is None else _described(loaded.test),
            class_names=loaded.class_names,
            value_range=(0.0, 1.0),
            encoding={"feature_names": ["intensity", "centre_intensity"]},
        )


class MNISTIntensityDataModule(ArrayDataModule):
    """``MNISTIntensitySource`` as a data module."""

    def __init__(
        self, classes: Sequence[int] = (0, 1), data_dir: str | Path | None = None, **common: Unpack[Options]
    ) -> None:
        super().__init__(MNISTIntensitySource(classes, data_dir), **common)


def _described(examples: Examples) -> Examples:
    pixels = examples.x.squeeze(1).float() / 255
    return Examples(torch.stack([pixels.mean((1, 2)), pixels[:, *WINDOW].mean((1, 2))], dim=1), examples.y)
