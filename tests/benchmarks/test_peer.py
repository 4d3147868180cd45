"""kornia changes images as the recipe says, or takes no part."""

import pytest
import torch

from benchmarks.speed.augmenting.peer import kornia_batched
from benchmarks.speed.augmenting.recipes import RECIPES, SHAPES, Recipe


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_kornia_takes_part_where_it_has_the_words(shape: tuple[int, int, int]) -> None:
    images = torch.rand(16, *shape, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    for name, recipe in RECIPES.items():
        change = kornia_batched(recipe, shape)
        assert (change is None) == (name == "full")
        if change is not None:
            found = change(images)
            assert found.shape == images.shape
            assert not torch.equal(found, images)


def test_kornia_moves_each_image_within_its_bounds() -> None:
    images = torch.zeros(64, 1, 28, 28)
    images[:, :, 14, 14] = 1.0
    torch.manual_seed(0)
    found = kornia_batched(Recipe(padding=0.125), (1, 28, 28))(images)
    places = torch.nonzero(found[:, 0])[:, 1:]
    assert len(places) == 64
    # an eighth of the side is 3.5 pixels, which rounds to 4
    assert (places - 14).abs().max() == 4
    assert len(places.unique(dim=0)) > 20
