"""Mirrors and crops are exact, pixel by pixel."""

import numpy as np
import pytest
import torch

from lit_tricks.data.augmentation import Flip, RandomCrop
from lit_tricks.errors import UserError

SHAPE = (3, 7, 5)


def images(size: int) -> torch.Tensor:
    return torch.rand(size, *SHAPE, generator=torch.Generator().manual_seed(1))


def test_mirrors_are_numpys() -> None:
    flip, x = Flip(SHAPE, horizontal=0.5, vertical=0.25), images(400)
    drawn = flip.draw(400, np.random.default_rng(0))
    flipped, _ = flip.apply(x, x, [torch.from_numpy(part) for part in drawn])
    for before, after, across, down in zip(x.numpy(), flipped.numpy(), *drawn, strict=True):
        expected = before[:, ::-1] if down else before
        assert (after == (expected[:, :, ::-1] if across else expected)).all()
    assert drawn[0].mean() == pytest.approx(0.5, abs=0.08)
    assert drawn[1].mean() == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize("value_range", [None, (-1.0, 1.0)])
def test_a_crop_shifts_by_whole_pixels(value_range: tuple[float, float] | None) -> None:
    crop, x = RandomCrop(SHAPE, padding=2, value_range=value_range), images(500)
    (corners,) = crop.draw(500, np.random.default_rng(0))
    cropped, _ = crop.apply(x, x, [torch.from_numpy(corners)])
    outside = 0.0 if value_range is None else -1.0
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), constant_values=outside)
    for before, after, (top, left) in zip(padded, cropped.numpy(), corners, strict=True):
        assert (after == before[:, top : top + 7, left : left + 5]).all()
    assert {tuple(corner) for corner in corners} == {(top, left) for top in range(5) for left in range(5)}


@pytest.mark.parametrize(("padding", "pixels"), [(4, 4), (1.0, 1), (0.125, 4), (0.05, 2), (0, 0), (0.0, 0)])
def test_padding_is_in_pixels_or_a_share_of_the_shorter_side(padding: float, pixels: int) -> None:
    assert RandomCrop((1, 48, 32), padding=padding).padding == pixels


def test_neutral_values() -> None:
    assert Flip(SHAPE, horizontal=0.0).neutral
    assert RandomCrop(SHAPE, padding=0).neutral
    assert not Flip(SHAPE, horizontal=0.0, vertical=0.1).neutral
    assert not RandomCrop(SHAPE, padding=1).neutral


def test_mistakes_are_refused() -> None:
    with pytest.raises(UserError, match=r"flip\.horizontal must lie in \[0, 1\]; received 1\.5"):
        Flip(SHAPE, horizontal=1.5)
    for padding in (-1, -0.1, 2.5, float("nan")):
        with pytest.raises(UserError, match=r"random_crop\.padding must be a whole number"):
            RandomCrop(SHAPE, padding=padding)
    for kind in (Flip, RandomCrop):
        with pytest.raises(UserError, match="changes images"):
            kind((30,))
