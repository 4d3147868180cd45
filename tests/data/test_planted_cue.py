"""A planted cue tells the class in training and validation, and nowhere else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lit_tricks.data import DigitsDataModule, NPZDataModule
from lit_tricks.data.planted_cue import cue_field, with_planted_cue
from lit_tricks.data.source import Examples
from lit_tricks.errors import UserError


def grey(count: int, classes: int, side: int = 28) -> Examples:
    """Return grey images that say nothing about their classes."""
    return Examples(torch.full((count, 1, side, side), 7, dtype=torch.uint8), torch.arange(count) % classes)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("classes", [2, 10])
def test_the_place_of_the_spot_tells_the_class(classes: int, seed: int) -> None:
    examples = grey(200, classes)
    marked = with_planted_cue(examples, 1.0, classes, 255.0, seed, "train").x
    assert (examples.x == 7).all(), "the store belongs to other splits as well"
    top, left, side = cue_field((1, 28, 28), classes, seed)
    assert {top, left} <= {0, 28 - side}
    outside = torch.ones(28, 28, dtype=torch.bool)
    outside[top : top + side, left : left + side] = False
    assert (marked[:, :, outside] == 7).all()
    assert ((marked == 255).sum((1, 2, 3)) == 4).all()
    spots = {label: {row.numpy().tobytes() for row in marked[examples.y == label]} for label in range(classes)}
    assert all(len(each) == 1 for each in spots.values())
    assert len(set.union(*spots.values())) == classes


def test_a_share_of_the_examples_carries_it_and_the_corner_depends_on_the_seed() -> None:
    marked = with_planted_cue(grey(1000, 10), 0.3, 10, 255.0, 0, "train").x
    assert int((marked == 255).flatten(1).any(1).sum()) == 300
    assert len({cue_field((1, 28, 28), 10, seed)[:2] for seed in range(30)}) == 4


def test_test_images_stay_clean_and_a_mask_hides_the_field() -> None:
    made = [
        DigitsDataModule(classes=[3, 8], planted_cue=cue, masked_region=region, seed=1)
        for cue, region in ((1.0, None), (0.0, None), (1.0, [*cue_field((1, 8, 8), 2, 1), 2]))
    ]
    for module in made:
        module.setup()
    cued, clean, masked = made
    assert torch.equal(cued.test.x, clean.test.x)
    for split in ("train", "val"):
        changed = (getattr(cued, split).x != getattr(clean, split).x).flatten(1).any(1)
        assert changed.float().mean() > 0.9, "a spot may fall on ink as bright as itself"
    assert torch.equal(masked.normaliser(masked.val.x), masked.normaliser(clean.val.x))
    assert not torch.equal(masked.normaliser(masked.val.x), clean.normaliser(clean.val.x))


def test_without_a_known_range_the_spot_is_as_bright_as_the_brightest_training_pixel(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 2000, (300, 20, 20)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=images, y=np.arange(300) % 2)
    clean, cued = (NPZDataModule(str(tmp_path / "x.npz"), planted_cue=cue) for cue in (0.0, 1.0))
    for module in (clean, cued):
        module.setup()
    assert clean.spec.value_range is None
    brightest = clean.train.x.max()
    for split in ("train", "val"):
        changed = getattr(cued, split).x[getattr(cued, split).x != getattr(clean, split).x]
        assert len(changed)
        assert (changed == brightest).all()


@pytest.mark.parametrize(
    ("shape", "classes", "message"),
    [((30,), 2, r"planted_cue needs images.*\(30,\)"), ((1, 8, 8), 10, r"10 spots of light.*8 x 8 pixels")],
)
def test_what_has_no_room_for_the_spots_is_refused(shape: tuple[int, ...], classes: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        with_planted_cue(Examples(torch.zeros(4, *shape), torch.arange(4) % classes), 1.0, classes, 1.0, 0, "val")


@pytest.mark.parametrize("region", [[0, 0, 8], [0, 0, 0, 2], [-1, 0, 2, 2], [0, 0, 2.0, 2]])
def test_a_region_that_is_none_is_refused(region: list) -> None:
    with pytest.raises(UserError, match=r"data\.masked_region must be \[top, left, height, width\]"):
        DigitsDataModule(masked_region=region)


def test_a_region_beyond_the_image_is_refused() -> None:
    with pytest.raises(UserError, match=r"inside 8 x 8 pixels; received \[7, 0, 2, 2\]"):
        DigitsDataModule(masked_region=[7, 0, 2, 2]).setup()
