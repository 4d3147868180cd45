"""The affine map against SciPy's, and what each of its knobs does."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from lit_tricks.data.augmentation import Affine
from lit_tricks.data.augmentation.affine import PaddingMode, _maps
from lit_tricks.errors import UserError

SHAPE = (2, 21, 16)
EVERYTHING = {"degrees": 45.0, "shift": 0.1, "shear": 11.46, "zoom": 0.2, "crop": 0.8, "rotate_crop": 0.5}


def draw(affine: Affine, size: int = 64, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(affine.draw(size, np.random.default_rng(seed))[0])


def images(size: int, shape: tuple[int, ...] = SHAPE) -> torch.Tensor:
    return 255 * torch.rand(size, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("mode", "scipys"), [("zeros", "grid-constant"), ("border", "nearest"), ("reflection", "reflect")]
)
def test_every_map_is_applied_as_scipy_applies_it(mode: PaddingMode, scipys: str) -> None:
    affine = Affine(SHAPE, **EVERYTHING, padding_mode=mode)
    x, parameters = images(64), draw(affine)
    moved, _ = affine.apply(x, torch.zeros(64), [parameters])
    centre = (np.array(SHAPE[1:]) - 1) / 2
    # SciPy counts rows first
    swap = np.array([[0, 1], [1, 0]])
    for index, both in enumerate(_maps(parameters).double().numpy()):
        linear, offset = swap @ both[:, :2] @ swap, swap @ both[:, 2]
        for channel in range(SHAPE[0]):
            expected = ndimage.affine_transform(
                x[index, channel].double().numpy(), linear, centre + offset - linear @ centre, order=1, mode=scipys
            )
            assert np.allclose(moved[index, channel], expected, atol=0.02), (index, channel)


def test_maps_are_composed_in_the_order_that_is_promised() -> None:
    affine = Affine(SHAPE, **EVERYTHING)
    parameters = draw(affine)
    for row, both in zip(parameters.double().numpy(), _maps(parameters).numpy(), strict=True):
        cos, sin, lean, across, down, window, left, top, right, below = row
        turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        shift = np.array([[1, 0, right], [0, 1, below], [0, 0, 1]])
        shear = np.array([[1, lean, 0], [0, 1, 0], [0, 0, 1]])
        zoom = np.diag([across, down, 1])
        crop = np.array([[window, 0, left], [0, window, top], [0, 0, 1]])
        assert np.allclose(both, (turn @ shift @ shear @ zoom @ crop)[:2], atol=1e-5)


def test_parameters_fill_the_ranges_that_the_knobs_give() -> None:
    affine = Affine(SHAPE, degrees=45, shift=0.1, shear=10, zoom=0.2, crop=0.8)
    cos, sin, lean, across, down, window, left, top, right, below = draw(affine, 20_000).double().unbind(1)
    degrees = torch.rad2deg(torch.atan2(sin, cos))
    leaning = torch.rad2deg(torch.atan(lean))
    for values, low, high in (
        (degrees, -45, 45),
        (leaning, -10, 10),
        (across, 0.8, 1.2),
        (down, 0.8, 1.2),
        (window, 0.8, 1.0),
        (right, -1.6, 1.6),
        (below, -2.1, 2.1),
    ):
        width = high - low
        assert values.min() == pytest.approx(low, abs=0.01 * width)
        assert values.max() == pytest.approx(high, abs=0.01 * width)
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.02 * width)
    # no window reaches beyond the picture, and some reach its edge
    assert (left.abs() + window * 8).max() == pytest.approx(8, abs=0.02)
    assert (top.abs() + window * 10.5).max() == pytest.approx(10.5, abs=0.02)
    assert len(across.unique()) > 19_000, "two examples of a batch get different numbers"


@pytest.mark.parametrize("shape", [(1, 21, 16), (1, 16, 21), (3, 20, 20)])
def test_rotate_and_crop_shows_no_corner(shape: tuple[int, int, int]) -> None:
    white = torch.ones(500, *shape)
    turned = Affine(shape, degrees=180)
    assert turned.apply(white, white, [draw(turned, 500)])[0].amin() == 0
    cropped = Affine(shape, degrees=180, crop=0.7, rotate_crop=1.0)
    inner = cropped.apply(white, white, [draw(cropped, 500)])[0]
    # at the very edge half a pixel of outside is mixed in
    assert inner[..., 1:-1, 1:-1].amin() > 0.999
    tight = draw(Affine(shape, degrees=180, rotate_crop=1.0), 500).double()
    corners = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]).double().T * torch.tensor(
        [[shape[2] / 2], [shape[1] / 2]]
    )
    reached = (_maps(tight)[:, :, :2] @ corners).abs() / torch.tensor([[shape[2] / 2], [shape[1] / 2]])
    assert torch.allclose(reached.flatten(1).amax(1), torch.ones(500).double(), atol=1e-6), "no larger than needed"


def test_one_knob_leaves_the_draws_of_the_others_alone() -> None:
    one, all_of_them = draw(Affine(SHAPE, zoom=0.2)), draw(Affine(SHAPE, degrees=45, shift=0.1, zoom=0.2, crop=0.8))
    assert torch.equal(one[:, 3:5], all_of_them[:, 3:5])


def test_what_lies_outside_has_the_lowest_raw_value() -> None:
    affine = Affine((1, 8, 8), shift=0.9, value_range=(-3.0, 5.0))
    x = torch.full((50, 1, 8, 8), 2.0)
    moved, _ = affine.apply(x, x, [draw(affine, 50)])
    assert moved.min() == -3
    assert moved.max() == pytest.approx(2.0)


def test_without_a_knob_it_is_neutral() -> None:
    assert Affine(SHAPE).neutral
    assert Affine(SHAPE, rotate_crop=1.0).neutral
    for knob, value in (("degrees", 1), ("shift", 0.1), ("shear", 1), ("zoom", 0.1), ("crop", 0.9)):
        assert not Affine(SHAPE, **{knob: value}).neutral


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"degrees": 181}, r"affine\.degrees must lie in \[0, 180\]; received 181: try augmentation.affine.degrees=10"),
        ({"degrees": math.nan}, r"affine\.degrees"),
        ({"shear": 90}, r"affine\.shear must lie in \[0, 90\)"),
        ({"crop": 0}, r"affine\.crop must lie in \(0, 1\]"),
        ({"padding_mode": "wrap"}, "padding_mode must be one of zeros, border, reflection"),
    ],
)
def test_mistakes_are_refused(knobs: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Affine(SHAPE, **knobs)


def test_a_table_is_refused_with_a_way_out() -> None:
    with pytest.raises(UserError, match=r"augmentation\.affine changes images.*augmentation=mixup"):
        Affine((30,), degrees=10)
