"""What is erased, how much of it, and with what."""

import numpy as np
import pytest
import torch

from lit_tricks.data.augmentation import RandomErasing
from lit_tricks.errors import UserError

SHAPE = (2, 32, 24)
RANGE = (0.0, 255.0)


def run(erasing: RandomErasing, x: torch.Tensor, seed: int = 0) -> tuple[torch.Tensor, np.ndarray]:
    drawn = erasing.draw(len(x), np.random.default_rng(seed))
    return erasing.apply(x, x, [torch.from_numpy(part) for part in drawn])[0], drawn[0]


def test_areas_shapes_and_places_are_within_what_was_asked() -> None:
    x = torch.full((3000, *SHAPE), -1.0)
    erased, boxes = run(RandomErasing(SHAPE, p=1.0, scale=(0.1, 0.3), ratio=(0.5, 2.0), value_range=RANGE), x)
    changed = (erased != -1).all(1)
    rows, columns = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    for mask, (top, left, bottom, right) in zip(changed[:200].numpy(), boxes, strict=False):
        expected = np.zeros((32, 24), dtype=bool)
        expected[top:bottom, left:right] = True
        assert (mask == expected).all()
    # the width makes good what rounding the height lost or gained, and is itself at most half a pixel off
    area, off = rows * columns / (32 * 24), 0.5 * rows / (32 * 24)
    assert (area >= 0.1 - off).all()
    assert (area <= 0.3 + off).all()
    assert area.min() < 0.12
    assert area.max() > 0.28
    assert area.mean() == pytest.approx(0.2, abs=0.01)
    assert ((rows + 0.5) / (columns - 1.5) >= 0.5).all()
    assert ((rows - 0.5) / (columns + 1.0) <= 2.0).all()
    assert np.median(rows / columns) == pytest.approx(1.0, abs=0.1)
    assert boxes[:, 0].min() == boxes[:, 1].min() == 0
    assert (boxes[:, 2].max(), boxes[:, 3].max()) == (32, 24)


def test_a_large_area_takes_a_shape_that_fits() -> None:
    _, boxes = run(
        RandomErasing(SHAPE, p=1.0, scale=(0.9, 1.0), ratio=(5.0, 9.0), value_range=RANGE), torch.zeros(50, *SHAPE)
    )
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert (boxes[:, 2] == 32).all()
    assert (area >= 0.9 * 32 * 24 - 16).all()


def test_noise_is_uniform_over_the_range_and_differs_everywhere() -> None:
    x = torch.full((300, *SHAPE), 1000.0)
    erased, _ = run(RandomErasing(SHAPE, p=1.0, scale=(0.3, 0.5), value_range=(-50.0, 150.0)), x)
    noise = erased[erased != 1000]
    assert noise.mean() == pytest.approx(50, abs=1)
    assert noise.var() == pytest.approx(200**2 / 12, rel=0.03)
    assert noise.min() >= -50
    assert noise.max() <= 150
    assert len(noise.unique()) > 0.99 * len(noise)


def test_zero_is_the_lowest_raw_value() -> None:
    erased, _ = run(RandomErasing(SHAPE, p=1.0, value="zero", value_range=(-1.0, 1.0)), torch.ones(20, *SHAPE))
    assert erased.unique().tolist() == [-1.0, 1.0]


def test_the_chance_is_kept_and_the_rest_untouched() -> None:
    x = torch.rand(2000, *SHAPE)
    erased, boxes = run(RandomErasing(SHAPE, p=0.3, value_range=(2.0, 3.0)), x)
    touched = (erased != x).flatten(1).any(1)
    assert touched.float().mean() == pytest.approx(0.3, abs=0.03)
    assert torch.equal(touched, torch.from_numpy(boxes.any(axis=1)))


def test_neutral_value_and_mistakes() -> None:
    assert RandomErasing(SHAPE, p=0.0, value_range=RANGE).neutral
    for knobs, message in (
        ({"p": 1.1}, r"random_erasing\.p must lie in"),
        ({"scale": (0.4, 0.1)}, r"scale must be the smallest and the largest.*received \[0\.4, 0\.1\]: try"),
        ({"scale": (0.0, 0.1)}, "scale must be"),
        ({"scale": (0.1, 1.1)}, "scale must be"),
        ({"ratio": (3.0, 0.3)}, "ratio must be"),
        ({"ratio": (1.0,)}, "ratio must be"),
        ({"value": "mean"}, "value must be random or zero"),
        ({"value_range": None}, "noise for random erasing needs the range.*value=zero"),
    ):
        with pytest.raises(UserError, match=message):
            RandomErasing(SHAPE, **{"value_range": RANGE, **knobs})
