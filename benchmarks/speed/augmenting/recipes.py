"""The augmentations that are compared, words of the group ``augmentation`` in numbers that all ways use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Largest changes, all drawn uniformly.

    Attributes:
        degrees: turn either way.
        shift: along either axis, as a share of the side.
        shear: degrees either way.
        zoom: each side is stretched by its own factor in 1 ± zoom.
        crop: smallest share of the side that a random window keeps before it is enlarged.
        rotate_crop: chance that a turned image is enlarged until no corner of the turn shows.
        mirror: chance of a horizontal flip.
        brightness, contrast, saturation: factors in 1 ± each; saturation only with three channels.
        hue: turn either way as a share of the circle, only with three channels.
        padding: share of the side added all around before a crop back to the size at a random place.
    """

    degrees: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    crop: float = 1.0
    rotate_crop: float = 0.0
    mirror: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    padding: float = 0.0

    @property
    def moves(self) -> bool:
        """Whether the recipe maps places by more than whole pixels."""
        return bool(self.degrees or self.shift or self.shear or self.zoom) or self.crop < 1


RECIPES = {
    "full": Recipe(
        degrees=45.0,
        shift=0.1,
        shear=11.46,
        zoom=0.2,
        crop=0.8,
        rotate_crop=0.5,
        mirror=0.5,
        brightness=0.1,
        contrast=0.1,
        saturation=0.2,
        hue=0.05,
    ),
    "mild": Recipe(degrees=10.0, shift=0.1, zoom=0.1),
    "random_crop": Recipe(padding=0.125),
}
SHAPES = {"grey 28x28": (1, 28, 28), "RGB 32x32": (3, 32, 32)}
