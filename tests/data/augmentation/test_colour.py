"""Colours against kornia and against the matrices of the W3C's specification."""

import math

import numpy as np
import pytest
import torch
from kornia import enhance

from lit_tricks.data.augmentation import Colour
from lit_tricks.errors import UserError

GREY, RGB = (1, 6, 7), (3, 6, 7)
RANGE = (0.0, 255.0)


def run(colour: Colour, x: torch.Tensor, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    parameters = torch.from_numpy(colour.draw(len(x), np.random.default_rng(seed))[0])
    return colour.apply(x, x, [parameters])[0], parameters


def images(shape: tuple[int, ...], size: int = 50, low: float = 20.0, high: float = 180.0) -> torch.Tensor:
    return low + (high - low) * torch.rand(size, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", [GREY, RGB])
def test_brightness_multiplies_and_clips(shape: tuple[int, int, int]) -> None:
    x = images(shape, 2000, 0, 255)
    changed, parameters = run(Colour(shape, brightness=0.3, value_range=RANGE), x)
    factor = parameters[:, 0].view(-1, 1, 1, 1)
    assert torch.equal(changed, (x * factor).clamp(0, 255))
    assert factor.min() == pytest.approx(0.7, abs=0.01)
    assert factor.max() == pytest.approx(1.3, abs=0.01)
    assert len(factor.unique()) > 1900, "two examples of a batch get different numbers"


def test_contrast_of_grey_images_is_kornias() -> None:
    x = images(GREY)
    changed, parameters = run(Colour(GREY, contrast=0.5, value_range=RANGE), x)
    expected = enhance.adjust_contrast_with_mean_subtraction(x / 255, parameters[:, 1]) * 255
    assert torch.allclose(changed, expected, atol=1e-3)


def w3c_saturate(s: float) -> list[list[float]]:
    return [
        [0.213 + 0.787 * s, 0.715 - 0.715 * s, 0.072 - 0.072 * s],
        [0.213 - 0.213 * s, 0.715 + 0.285 * s, 0.072 - 0.072 * s],
        [0.213 - 0.213 * s, 0.715 - 0.715 * s, 0.072 + 0.928 * s],
    ]


def w3c_hue(cos: float, sin: float) -> list[list[float]]:
    return [
        [0.213 + cos * 0.787 - sin * 0.213, 0.715 - cos * 0.715 - sin * 0.715, 0.072 - cos * 0.072 + sin * 0.928],
        [0.213 - cos * 0.213 + sin * 0.143, 0.715 + cos * 0.285 + sin * 0.140, 0.072 - cos * 0.072 - sin * 0.283],
        [0.213 - cos * 0.213 - sin * 0.787, 0.715 - cos * 0.715 + sin * 0.715, 0.072 + cos * 0.928 + sin * 0.072],
    ]


def test_all_four_are_applied_in_order() -> None:
    x = images(RGB)
    colour = Colour(RGB, brightness=0.2, contrast=0.2, saturation=0.4, hue=0.5)
    changed, parameters = run(colour, x)
    for before, after, (brightness, contrast, saturation, cos, sin) in zip(
        x.double(), changed, parameters.double().tolist(), strict=True
    ):
        expected = before * brightness
        mean = (expected * torch.tensor([0.213, 0.715, 0.072]).double().view(3, 1, 1)).sum(0).mean()
        expected = (expected - mean) * contrast + mean
        for matrix in (w3c_saturate(saturation), w3c_hue(cos, sin)):
            expected = torch.einsum("ij,jhw->ihw", torch.tensor(matrix).double(), expected)
        assert torch.allclose(after.double(), expected, atol=1e-3)
    assert torch.atan2(parameters[:, 4], parameters[:, 3]).abs().max() == pytest.approx(math.pi, abs=0.2)


def test_a_third_of_a_turn_makes_red_green() -> None:
    colour = Colour(RGB, hue=0.5, value_range=RANGE)
    red = torch.tensor([255.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, *RGB)
    third = torch.tensor([[1.0, 1.0, 1.0, math.cos(2 * math.pi / 3), math.sin(2 * math.pi / 3)]])
    turned = colour.apply(red, red, [third])[0][0, :, 0, 0]
    assert turned.argmax() == 1
    assert turned[0] == 0


def test_grey_colours_stay_grey_under_saturation_and_hue() -> None:
    x = images(GREY).expand(50, *RGB)
    changed, _ = run(Colour(RGB, saturation=1.0, hue=0.5, value_range=RANGE), x)
    assert torch.allclose(changed, x, atol=0.1)


def test_grey_images_keep_brightness_and_leave_out_colour() -> None:
    x = images(GREY)
    with_colour, _ = run(Colour(GREY, brightness=0.2, saturation=0.3, hue=0.1, value_range=RANGE), x)
    without, _ = run(Colour(GREY, brightness=0.2, value_range=RANGE), x)
    assert torch.equal(with_colour, without)


def test_a_range_that_does_not_begin_at_zero() -> None:
    x = images(RGB)
    plain, _ = run(Colour(RGB, 0.2, 0.2, 0.2, 0.1, value_range=(0.0, 255.0)), x)
    shifted, _ = run(Colour(RGB, 0.2, 0.2, 0.2, 0.1, value_range=(-100.0, 155.0)), x - 100)
    assert torch.allclose(shifted, plain - 100, atol=1e-3)


def test_neutral_values_and_mistakes() -> None:
    assert Colour(RGB).neutral
    for knob in ("brightness", "contrast", "saturation", "hue"):
        assert not Colour(RGB, **{knob: 0.1}).neutral
        with pytest.raises(UserError, match=rf"colour\.{knob} must lie in"):
            Colour(RGB, **{knob: -0.1})
    with pytest.raises(UserError, match=r"need images with 3 channels; these have 1"):
        Colour(GREY, hue=0.1)
    with pytest.raises(UserError, match=r"need images with 3 channels; these have 4"):
        Colour((4, 8, 8), brightness=0.1, saturation=0.1)
    with pytest.raises(UserError, match="changes images"):
        Colour((30,), brightness=0.1)
