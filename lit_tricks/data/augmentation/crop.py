"""Mirror images and shifts by whole pixels, without interpolation."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lit_tricks.data.augmentation.transformation import Drawn, Stage, Transformation, check_within, image_size
from lit_tricks.errors import UserError


class Flip(Transformation):
    """Mirrors images.

    Args:
        input_shape: (C, H, W) of an example.
        horizontal: chance that left and right change places, in [0, 1].
        vertical: chance that top and bottom do, in [0, 1].

    Raises ``UserError`` for chances out of range, and for examples that are no images.
    """

    stage = Stage.GEOMETRY

    def __init__(self, input_shape: Sequence[int], horizontal: float = 0.5, vertical: float = 0.0) -> None:
        check_within("flip.horizontal", horizontal, 0, 1, 0.5)
        check_within("flip.vertical", vertical, 0, 1, 0.5)
        image_size(input_shape, "augmentation.flip")
        self.horizontal = horizontal
        self.vertical = vertical

    @property
    def neutral(self) -> bool:
        """Whether neither mirror is ever used."""
        return not (self.horizontal or self.vertical)

    def draw(self, size: int, rng: np.random.Generator) -> Drawn:
        """Return which images are mirrored horizontally and vertically, two ``bool`` arrays (size,)."""
        across, down = rng.random((2, size))
        return across < self.horizontal, down < self.vertical

    def apply(self, x: Tensor, target: Tensor, drawn: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the images (N, C, H, W), some of them mirrored, and the target as it is."""
        for mirrored, chance, axis in zip(drawn, (self.horizontal, self.vertical), (3, 2), strict=True):
            if chance:
                x = torch.where(mirrored.view(-1, 1, 1, 1), x.flip(axis), x)
        return x, target


class RandomCrop(Transformation):
    """Pads images and crops them to their size at a random place: a shift by whole pixels.

    He et al. 2016, "Deep residual learning for image recognition", section 4.2, with 4 pixels around 32.

    Args:
        input_shape: (C, H, W) of an example.
        padding: pixels added on every side, or a fraction in (0, 1) of the shorter side, rounded; 0 for none.
        value_range: its smaller end is what images are padded with, 0 without it.

    Raises ``UserError`` for a negative padding or a fraction above 1, and for examples that are no images.
    """

    stage = Stage.GEOMETRY

    def __init__(
        self,
        input_shape: Sequence[int],
        padding: int | float = 0.125,
        value_range: tuple[float, float] | None = None,
    ) -> None:
        if padding < 0 or not (padding < 1 or float(padding).is_integer()):
            raise UserError(
                "augmentation.random_crop.padding must be a whole number of pixels or a fraction of the side in "
                f"[0, 1); received {padding}: try augmentation.random_crop.padding=4"
            )
        _, self._height, self._width = image_size(input_shape, "augmentation.random_crop")
        self.padding = round(min(self._height, self._width) * padding) if padding < 1 else int(padding)
        self._outside = 0.0 if value_range is None else value_range[0]

    @property
    def neutral(self) -> bool:
        """Whether nothing is added."""
        return not self.padding

    def draw(self, size: int, rng: np.random.Generator) -> Drawn:
        """Return the crop's first row and column in the padded image, an ``int64`` array (size, 2)."""
        return (rng.integers(0, 2 * self.padding + 1, (size, 2)),)

    def apply(self, x: Tensor, target: Tensor, drawn: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the cropped images (N, C, H, W) and the target as it is."""
        top, left = drawn[0].unbind(1)
        padded = F.pad(x, (self.padding,) * 4, value=self._outside).contiguous()
        images, channels, height, width = padded.shape
        # every run of a row's length in memory, overlapping: selecting whole runs is twice as fast as indexing pixels
        runs = padded.as_strided((padded.numel() - self._width + 1, self._width), (1, 1))
        planes = torch.arange(images * channels, device=x.device).view(images, channels, 1) * (height * width)
        rows = top[:, None] + torch.arange(self._height, device=x.device)
        starts = planes + (rows * width + left[:, None])[:, None]
        return runs.index_select(0, starts.flatten()).view(x.shape), target
