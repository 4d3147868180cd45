"""Random erasing: a rectangle of every image is overwritten."""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from torch import Tensor

from lit_tricks.data.augmentation.transformation import Drawn, Stage, Transformation, check_within, image_size
from lit_tricks.errors import UserError
from lit_tricks.functional.mixing import inside

Value = Literal["random", "zero"]


class RandomErasing(Transformation):
    """Overwrites a rectangle of random place, area and shape with noise or the lowest raw value.

    Zhong et al. 2020, "Random erasing data augmentation", algorithm 1, noise as their best variant. Deviations:
    the shape is uniform in its logarithm, so that lying and standing rectangles are equally frequent; and it is
    drawn among the shapes that fit into the image instead of drawing again until one does.

    Args:
        input_shape: (C, H, W) of an example.
        p: chance that an image loses a rectangle, in [0, 1].
        scale: smallest and largest area as a share of the image's, in (0, 1]; kept up to rounding to whole pixels.
        ratio: smallest and largest height divided by width, above 0.
        value: ``random`` for noise, uniform over the range of raw values in every pixel and channel, or ``zero``
            for the lowest raw value.
        value_range: smallest and largest raw value; ``zero`` is 0 without it.

    Raises ``UserError`` for values out of range or in the wrong order, for noise without a known range, and for
    examples that are no images.
    """

    stage = Stage.ERASING

    def __init__(
        self,
        input_shape: Sequence[int],
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Value = "random",
        value_range: tuple[float, float] | None = None,
    ) -> None:
        check_within("random_erasing.p", p, 0, 1, 0.5)
        for name, pair, most, instead in (
            ("scale", scale, 1.0, "[0.02,0.33]"),
            ("ratio", ratio, math.inf, "[0.3,3.3]"),
        ):
            if len(pair) != 2 or not 0 < pair[0] <= pair[1] <= most or math.isinf(pair[1]):
                raise UserError(
                    f"augmentation.random_erasing.{name} must be the smallest and the largest share, above 0"
                    f"{' and at most 1' if most == 1 else ''}; received {list(pair)}: "
                    f"try augmentation.random_erasing.{name}={instead}"
                )
        if value not in get_args(Value):
            raise UserError(
                f"augmentation.random_erasing.value must be random or zero; received {value!r}: "
                "try augmentation.random_erasing.value=random"
            )
        if value == "random" and value_range is None:
            raise UserError(
                "noise for random erasing needs the range of raw values, which this data does not tell: "
                "try augmentation.random_erasing.value=zero"
            )
        self._shape = image_size(input_shape, "augmentation.random_erasing")
        self.p = p
        self.scale = (scale[0], scale[1])
        self.ratio = (ratio[0], ratio[1])
        self.value = value
        self._low, self._high = value_range or (0.0, 0.0)

    @property
    def neutral(self) -> bool:
        """Whether no image is ever touched."""
        return not self.p

    def draw(self, size: int, rng: np.random.Generator) -> Drawn:
        """Return the rectangles (size, 4), empty where nothing is erased, and the noise for all of their pixels."""
        channels, height, width = self._shape
        chance, shape, top, left = rng.random((4, size))
        area = rng.uniform(*self.scale, size) * (height * width)
        # the shapes whose sides fit: area / width² ≤ ratio ≤ height² / area
        flattest = np.minimum(np.maximum(self.ratio[0], area / width**2), height**2 / area)
        tallest = np.maximum(np.minimum(self.ratio[1], height**2 / area), flattest)
        ratio = flattest * (tallest / flattest) ** shape
        rows = np.maximum(np.rint(np.sqrt(area * ratio)), 1.0)
        columns = np.minimum(np.maximum(np.rint(area / rows), 1.0), width)
        top, left = np.floor(top * (height - rows + 1.0)), np.floor(left * (width - columns + 1.0))
        boxes = np.array([top, left, top + rows, left + columns], dtype=np.int64).T
        boxes[chance >= self.p] = 0
        if self.value == "zero":
            return (boxes,)
        pixels = (boxes[:, 2] - boxes[:, 0]) @ (boxes[:, 3] - boxes[:, 1])
        return boxes, rng.random(channels * int(pixels), dtype=np.float32)

    def apply(self, x: Tensor, target: Tensor, drawn: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the images (N, C, H, W) with their rectangles overwritten and the target as it is."""
        erased = inside(drawn[0], x.shape[2], x.shape[3])
        if self.value == "zero":
            return x.masked_fill(erased, self._low), target
        noise = drawn[1] * (self._high - self._low) + self._low
        return x.masked_scatter(erased, noise), target
