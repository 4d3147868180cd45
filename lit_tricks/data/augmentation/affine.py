"""Every change of place in one map and one interpolation."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lit_tricks.data.augmentation.transformation import Drawn, Stage, Transformation, check_within, image_size
from lit_tricks.errors import UserError

PaddingMode = Literal["zeros", "border", "reflection"]


class Affine(Transformation):
    """Turns, shifts, shears, stretches and crops images by one affine map each and one bilinear interpolation.

    The changes are composed as in Keras' ``ImageDataGenerator`` (turn, shift, shear, zoom, from the old image to
    the new), then cropped. Doing them one by one would blur the image each time. Uniform distributions throughout.

    Args:
        input_shape: (C, H, W) of an example.
        degrees: largest turn either way, in [0, 180].
        shift: largest shift along either axis, as a share of the side in [0, 1).
        shear: largest angle by which columns lean, in degrees in [0, 90).
        zoom: each side is stretched by its own factor in [1 - zoom, 1 + zoom], zoom in [0, 1).
        crop: smallest share of the side that a random window keeps, in (0, 1]; the window is enlarged to the whole.
        rotate_crop: chance that a turned image is enlarged until the turn shows no corner, in [0, 1].
        padding_mode: what shows beyond the edges: ``zeros`` for the lowest raw value, ``border`` or ``reflection``.
        value_range: smallest and largest raw value, None when unknown.

    Raises ``UserError`` for values out of range, and for examples that are no images.
    """

    stage = Stage.GEOMETRY

    def __init__(
        self,
        input_shape: Sequence[int],
        degrees: float = 0.0,
        shift: float = 0.0,
        shear: float = 0.0,
        zoom: float = 0.0,
        crop: float = 1.0,
        rotate_crop: float = 0.0,
        padding_mode: PaddingMode = "zeros",
        value_range: tuple[float, float] | None = None,
    ) -> None:
        check_within("affine.degrees", degrees, 0, 180, 10)
        check_within("affine.shift", shift, 0, 1, 0.1, ")")
        check_within("affine.shear", shear, 0, 90, 10, ")")
        check_within("affine.zoom", zoom, 0, 1, 0.1, ")")
        check_within("affine.crop", crop, 0, 1, 0.8, "(")
        check_within("affine.rotate_crop", rotate_crop, 0, 1, 0.5)
        if padding_mode not in get_args(PaddingMode):
            raise UserError(
                f"augmentation.affine.padding_mode must be one of {', '.join(get_args(PaddingMode))}; received "
                f"{padding_mode!r}: try augmentation.affine.padding_mode=zeros"
            )
        _, self._height, self._width = image_size(input_shape, "augmentation.affine")
        self._sides = np.array([[self._width], [self._height]])
        self._angles = np.deg2rad([[degrees], [shear]])
        self.degrees = degrees
        self.shift = shift
        self.shear = shear
        self.zoom = zoom
        self.crop = crop
        self.rotate_crop = rotate_crop
        self.padding_mode = padding_mode
        self._outside = value_range[0] if value_range is not None and padding_mode == "zeros" else 0.0

    @property
    def neutral(self) -> bool:
        """Whether every map is the identity; enlarging turned images needs a turn."""
        return not (self.degrees or self.shift or self.shear or self.zoom) and self.crop == 1

    def draw(self, size: int, rng: np.random.Generator) -> Drawn:
        """Return what ``_maps`` composes, an array (size, 10)."""
        # every number is drawn whether it is used or not, so that one knob leaves the others' draws alone
        chances, centred = rng.random((2, size)), rng.uniform(-1.0, 1.0, (8, size))
        angle, lean = self._angles * centred[:2]
        cos, sin = np.cos(angle), np.sin(angle)
        window = 1.0 - (1.0 - self.crop) * chances[0]
        stretch = 1.0 + self.zoom * centred[2:4]
        if self.rotate_crop:
            enlarged = np.abs(cos) + self._sides.max() / self._sides.min() * np.abs(sin)
            stretch /= np.where(chances[1] < self.rotate_crop, enlarged, 1.0)
        place = 0.5 * (1.0 - window) * self._sides * centred[4:6]
        shift = self.shift * self._sides * centred[6:8]
        return (np.array([cos, sin, np.tan(lean), *stretch, window, *place, *shift], dtype=np.float32).T,)

    def apply(self, x: Tensor, target: Tensor, drawn: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the mapped images (N, C, H, W) and the target as it is."""
        places = _places(_maps(drawn[0]), self._height, self._width)
        moved = x - self._outside if self._outside else x
        moved = F.grid_sample(moved, places, "bilinear", self.padding_mode, align_corners=False)
        return moved + self._outside if self._outside else moved, target


def _maps(parameters: Tensor) -> Tensor:
    """Return the maps (N, 2, 3) from a new pixel's place to the old one's, in pixels from the centre.

    (u, v) → turn · (shear · stretch · (window (u, v) + place) + shift), from ``parameters`` (N, 10): cosine and
    sine of the turn, tangent of the lean, both stretches, window, place and shift.
    """
    cos, sin, lean, across, down, window, *place_and_shift = parameters.unbind(1)
    leaning = lean * down
    maps = []
    for turn in ((cos, -sin), (sin, cos)):
        u, v = turn[0] * across, turn[0] * leaning + turn[1] * down
        left, top, right, below = place_and_shift
        maps += [window * u, window * v, u * left + v * top + turn[0] * right + turn[1] * below]
    return torch.stack(maps, dim=1).view(-1, 2, 3)


def _places(maps: Tensor, height: int, width: int) -> Tensor:
    """Return where each new pixel is read, (N, H, W, 2), in halves of the sides from the centre.

    ``F.affine_grid`` multiplies matrices, whose rounding may depend on how many there are.
    """
    u = torch.arange(width, dtype=maps.dtype, device=maps.device) - (width - 1) / 2
    v = torch.arange(height, dtype=maps.dtype, device=maps.device) - (height - 1) / 2
    places = maps.new_empty(len(maps), height, width, 2)
    for axis, side in enumerate((width, height)):
        across, down, offset = (2.0 / side * maps[:, axis]).unsqueeze(1).unbind(2)
        torch.add((across * u + offset).unsqueeze(1), (down * v).unsqueeze(2), out=places[..., axis])
    return places
