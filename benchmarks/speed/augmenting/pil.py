"""The per-example way: PIL images, one after the other, as a data set's ``__getitem__`` changes them.

Changes of place are composed into one map and interpolated once, so that this side wins or loses by working example
by example and not by clumsiness.
"""

import math
import random

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from benchmarks.speed.augmenting.recipes import Recipe


class PerExample:
    """Maps one ``uint8`` image, (H, W) or (H, W, 3), to another of the same shape."""

    def __init__(self, recipe: Recipe, seed: int = 0) -> None:
        self.recipe = recipe
        self._random = random.Random(seed)

    def __call__(self, array: np.ndarray) -> np.ndarray:
        """Return the changed image."""
        recipe, image = self.recipe, Image.fromarray(array)
        if recipe.moves:
            image = image.transform(
                image.size, Image.Transform.AFFINE, self._map(*image.size), Image.Resampling.BILINEAR
            )
        if recipe.padding:
            image = self._cropped(image)
        if recipe.mirror and self._random.random() < recipe.mirror:
            image = ImageOps.mirror(image)
        image = self._coloured(image)
        return np.asarray(image)

    def _map(self, width: int, height: int) -> tuple[float, ...]:
        """Return PIL's (a, b, c, d, e, f): the old place (a x + b y + c, d x + e y + f) of the new pixel (x, y)."""
        recipe, draw = self.recipe, self._random.uniform
        angle = math.radians(draw(-recipe.degrees, recipe.degrees))
        lean = math.tan(math.radians(draw(-recipe.shear, recipe.shear)))
        cos, sin = math.cos(angle), math.sin(angle)
        across, down = draw(1 - recipe.zoom, 1 + recipe.zoom), draw(1 - recipe.zoom, 1 + recipe.zoom)
        if self._random.random() < recipe.rotate_crop:
            enlarged = abs(cos) + max(width, height) / min(width, height) * abs(sin)
            across, down = across / enlarged, down / enlarged
        window = draw(recipe.crop, 1)
        left, top = (0.5 * (1 - window) * side * draw(-1, 1) for side in (width, height))
        right, below = (recipe.shift * side * draw(-1, 1) for side in (width, height))
        # (x, y) → turn · (shear · stretch · (window (x, y) + place) + shift), all from the centre
        u, v = across * left + lean * down * top + right, down * top + below
        a, b = window * cos * across, window * (cos * lean * down - sin * down)
        d, e = window * sin * across, window * (sin * lean * down + cos * down)
        c, f = cos * u - sin * v, sin * u + cos * v
        x, y = width / 2, height / 2
        return a, b, c + x - a * x - b * y, d, e, f + y - d * x - e * y

    def _cropped(self, image: Image.Image) -> Image.Image:
        border = round(min(image.size) * self.recipe.padding)
        left, top = self._random.randint(0, 2 * border), self._random.randint(0, 2 * border)
        width, height = image.size
        return ImageOps.expand(image, border).crop((left, top, left + width, top + height))

    def _coloured(self, image: Image.Image) -> Image.Image:
        recipe = self.recipe
        enhancements = [(ImageEnhance.Brightness, recipe.brightness), (ImageEnhance.Contrast, recipe.contrast)]
        if image.mode == "RGB":
            enhancements.append((ImageEnhance.Color, recipe.saturation))
        for enhancement, most in enhancements:
            if most:
                image = enhancement(image).enhance(self._random.uniform(1 - most, 1 + most))
        if recipe.hue and image.mode == "RGB":
            hue, saturation, value = image.convert("HSV").split()
            turn = round(256 * self._random.uniform(-recipe.hue, recipe.hue))
            hue = hue.point([(level + turn) % 256 for level in range(256)])
            image = Image.merge("HSV", (hue, saturation, value)).convert("RGB")
        return image
