"""Brightness, contrast, saturation and hue in one linear map of every image's colours."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lit_tricks.data.augmentation.transformation import Drawn, Stage, Transformation, check_within, image_size
from lit_tricks.errors import UserError

# W3C, Filter Effects Module Level 1, feColorMatrix: the luma's weights, and what turns hue by a quarter
LUMA = (0.213, 0.715, 0.072)
QUARTER = ((-0.213, -0.715, 0.928), (0.143, 0.140, -0.283), (-0.787, 0.715, 0.072))


class Colour(Transformation):
    """Changes brightness, contrast, saturation and hue of images, in this order, then clips them to their range.

    Brightness multiplies values, contrast moves them from the image's mean luma, saturation from their own luma;
    hue turns about the grey axis and keeps the luma (W3C's ``hueRotate``, not the hexagon of HSV). Together they
    are one linear map, so nothing is clipped between them. Saturation and hue leave grey images, which have
    neither, as they are. Uniform distributions throughout.

    Args:
        input_shape: (C, H, W) of an example.
        brightness: the factor lies in [1 - brightness, 1 + brightness]; in [0, 1].
        contrast, saturation: likewise.
        hue: largest turn either way as a share of the full circle, in [0, 0.5].
        value_range: smallest and largest raw value; None clips nothing.

    Raises ``UserError`` for values out of range, for examples that are no images, for saturation and hue of images
    that have neither one channel nor three, and where they alone are asked of grey images.
    """

    stage = Stage.COLOUR

    def __init__(
        self,
        input_shape: Sequence[int],
        brightness: float = 0.0,
        contrast: float = 0.0,
        saturation: float = 0.0,
        hue: float = 0.0,
        value_range: tuple[float, float] | None = None,
    ) -> None:
        for name, value in (("brightness", brightness), ("contrast", contrast), ("saturation", saturation)):
            check_within(f"colour.{name}", value, 0, 1, 0.2)
        check_within("colour.hue", hue, 0, 0.5, 0.05)
        channels, _, _ = image_size(input_shape, "augmentation.colour")
        coloured = bool(saturation or hue)
        if coloured and (channels not in (1, 3) or (channels == 1 and not (brightness or contrast))):
            raise UserError(
                "augmentation.colour.saturation and hue need images with 3 channels; these have "
                f"{channels}: try augmentation.colour.saturation=0 augmentation.colour.hue=0, and brightness instead"
            )
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self._coloured = coloured and channels == 3
        self._weights = LUMA if channels == 3 else (1 / channels,) * channels
        self._low, self._high = value_range or (0.0, math.inf)
        self._clips = value_range is not None

    @property
    def neutral(self) -> bool:
        """Whether every factor is 1 and no hue turns."""
        return not (self.brightness or self.contrast or self._coloured)

    def draw(self, size: int, rng: np.random.Generator) -> Drawn:
        """Return factors of brightness, contrast and saturation, cosine and sine of the hue's turn: (size, 5)."""
        spread = np.array([[self.brightness], [self.contrast], [self.saturation], [self.hue]])
        brightness, contrast, saturation, hue = spread * rng.uniform(-1.0, 1.0, (4, size))
        turn = 2.0 * np.pi * hue
        rows = (1.0 + brightness, 1.0 + contrast, 1.0 + saturation, np.cos(turn), np.sin(turn))
        return (np.stack(rows, axis=1).astype(np.float32),)

    def apply(self, x: Tensor, target: Tensor, drawn: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the images (N, C, H, W) in their new colours and the target as it is."""
        brightness, contrast, saturation, cos, sin = (column.view(-1, 1, 1, 1) for column in drawn[0].unbind(1))
        values = x - self._low if self._low else x
        factor = brightness * contrast
        coloured = self._coloured
        changed = _recoloured(values, factor, saturation * cos, saturation * sin) if coloured else values * factor
        if self.contrast:
            changed += self._mean(values) * brightness * (1.0 - contrast)
        if self._low:
            changed += self._low
        return changed.clamp_(self._low, self._high) if self._clips else changed, target

    def _mean(self, x: Tensor) -> Tensor:
        """Return every image's mean luma (N, 1, 1, 1)."""
        # rows first: a sum of all at once is shared out over threads when there is one image alone
        channels = x.sum(3).sum(2) / (x.shape[2] * x.shape[3])
        luma = channels[:, 0] * self._weights[0]
        for index, weight in enumerate(self._weights[1:], start=1):
            luma = luma + channels[:, index] * weight
        return luma.view(-1, 1, 1, 1)


def _recoloured(x: Tensor, factor: Tensor, along: Tensor, across: Tensor) -> Tensor:
    """Return factor · (L + along (I - L) + across Q) x, with the luma's matrix L and the quarter turn Q.

    With ``along`` = s cos φ and ``across`` = s sin φ that is saturation s and a hue turned by φ: L L = L and Q L = 0.
    """
    luma = x.new_tensor([LUMA] * 3)
    quarter = x.new_tensor(QUARTER)
    matrix = factor * (luma + along * (torch.eye(3, dtype=x.dtype, device=x.device) - luma) + across * quarter)
    # channel by channel: a product of matrices may round by how many there are
    changed = matrix[:, 0, :, 0, None, None] * x[:, :1]
    for channel in (1, 2):
        changed += matrix[:, 0, :, channel, None, None] * x[:, channel : channel + 1]
    return changed
