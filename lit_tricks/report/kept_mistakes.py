"""The wrongly recognised images of a run, kept small, so that runs can be compared without their data."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from lit_tricks.report.run_files import read_arrays
from lit_tricks.report.sheet import pictures

MOST = 400
# pixels of the longer side
LARGEST = 64


@dataclass(frozen=True)
class KeptMistakes:
    """Positions (M,) in the test split with their pictures (M, H, W) or (M, H, W, 3) ``uint8``."""

    FILE: ClassVar[str] = "mistakes.npz"
    index: np.ndarray
    images: np.ndarray

    @classmethod
    def of(cls, index: Sequence[int], images: Any, value_range: tuple[float, float] | None) -> "KeptMistakes":
        """Shrink images (M, C, H, W) to at most 64 pixels a side; ``value_range`` is that of ``sheet.pictures``."""
        small = []
        for pixels in pictures(images, value_range):
            picture = Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
            picture.thumbnail((LARGEST, LARGEST))
            small.append(np.asarray(picture))
        return cls(np.asarray(index, dtype=np.int64), np.stack(small) if small else np.zeros((0, 1, 1), np.uint8))

    @classmethod
    def read(cls, run_dir: Path) -> "KeptMistakes | None":
        """Return what a run kept, None where it kept nothing that can be read."""
        found = read_arrays(run_dir / cls.FILE, "index", "images")
        if found is None:
            return None
        index, images = found
        whole = images.dtype == np.uint8 and images.ndim in (3, 4) and index.shape == images.shape[:1]
        return cls(index, images) if whole else None

    def content(self) -> bytes:
        """Return the bytes of the file."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, index=self.index, images=self.images)
        return buffer.getvalue()
