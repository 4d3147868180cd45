"""The contract between one kind of raw data and the general data module."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch


@dataclass
class Examples:
    """Inputs with their labels.

    Attributes:
        x: (N, *input_shape), ``uint8`` for images, ``float32`` otherwise; never normalised.
        y: (N,) ``int64`` class indices.
    """

    x: torch.Tensor
    y: torch.Tensor

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: np.ndarray) -> "Examples":
        """Return the examples at ``rows``, an array of N' integer positions."""
        index = torch.as_tensor(rows, dtype=torch.int64)
        return Examples(self.x[index], self.y[index])


@dataclass
class Loaded:
    """Everything a source read.

    Attributes:
        train: the examples that training and validation are drawn from.
        test: the official test split, or None when one has to be drawn.
        class_names: one per class.
        value_range: smallest and largest possible raw input, None when unbounded.
        encoding: primitives that prediction needs to read files the same way.
    """

    train: Examples
    test: Examples | None
    class_names: tuple[str, ...]
    value_range: tuple[float, float] | None = None
    encoding: dict[str, Any] = field(default_factory=dict)


class Source(ABC):
    """Reads one kind of raw data; a subclass does nothing else.

    ``name`` is the word in the configuration, or what a user's own data is called; ``kind`` is ``image`` or
    ``table``.
    """

    name: str
    kind: Literal["image", "table"]

    def prepare(self) -> None:  # noqa: B027 (most sources have nothing to fetch)
        """Fetch what has to be on disk; called once per machine before ``load``."""

    @abstractmethod
    def load(self) -> Loaded:
        """Return the raw data; raises ``UserError`` for what the user can mend."""

    def encode(self, loaded: Loaded, train_rows: np.ndarray) -> Loaded:
        """Return ``loaded`` with inputs encoded by statistics of ``loaded.train[train_rows]`` alone.

        Tables fit their category and missing-value encoders here; other sources need nothing.
        """
        return loaded


def named_after(path: str | Path | None, otherwise: str) -> str:
    """Return the name of a user's data: that of its folder, or of its file without suffix."""
    if path is None or not str(path).strip():
        return otherwise
    place = Path(path).expanduser().resolve()
    return (place.name if place.is_dir() else place.stem) or otherwise
