"""A spot of light in a corner whose place tells the class: a cue that real data would not have."""

import math
from dataclasses import replace

import numpy as np
import torch

from lit_tricks.data.source import Examples
from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed

# of the image's shorter side: the largest field of spots, and a single spot
LARGEST_FIELD, SPOT = 0.3, 1 / 14


def cue_field(shape: tuple[int, ...], classes: int, seed: int) -> tuple[int, int, int]:
    """Return first row, first column and side, in pixels, of the corner field that holds the spots.

    The field has ⌈√K⌉ × ⌈√K⌉ places, one per class in reading order. Which of the four corners it takes depends on
    the ``seed`` alone.

    Raises ``UserError`` for examples that are no (C, H, W) images, or too small for K places.
    """
    if len(shape) != 3:
        raise UserError(
            f"data.planted_cue needs images; an example here has the shape {shape}: try data=mnist data.planted_cue=1"
        )
    height, width = shape[1:]
    places = math.ceil(math.sqrt(classes))
    side = places * _spot(shape)
    if side > LARGEST_FIELD * min(height, width):
        raise UserError(
            f"data.planted_cue needs {classes} spots of light within {LARGEST_FIELD} of the image's side; received "
            f"{height} x {width} pixels: try data=mnist, or fewer data.classes"
        )
    corner = np.random.default_rng(derive_seed(seed, "corner")).integers(4)
    return (height - side) * int(corner // 2), (width - side) * int(corner % 2), side


def with_planted_cue(
    examples: Examples, share: float, classes: int, brightest: float, seed: int, split: str
) -> Examples:
    """Return the examples, a ``share`` in [0, 1] of which, drawn at random for each ``split``, carry the cue.

    A class's spot is set to ``brightest`` in all channels. The inputs are copied; the store stays as it is. Raises
    ``UserError`` as ``cue_field`` does.
    """
    if not share:
        return examples
    top, left, side = cue_field(examples.shape[1:], classes, seed)
    spot = _spot(examples.shape[1:])
    inputs, labels = examples.x.clone(), examples.y
    drawn = np.random.default_rng(derive_seed(seed, "cue", split)).permutation(len(examples))
    chosen = torch.from_numpy(drawn[: round(share * len(examples))])
    for label in range(classes):
        row, column = (spot * step for step in divmod(label, side // spot))
        marked = chosen[labels[chosen] == label]
        inputs[marked, :, top + row : top + row + spot, left + column : left + column + spot] = brightest
    return replace(examples, inputs=inputs, labels=labels, rows=None)


def _spot(shape: tuple[int, ...]) -> int:
    return max(1, round(SPOT * min(shape[1:])))
