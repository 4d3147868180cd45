"""The per-example way does what its recipe says, or the comparison would mean nothing."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from omegaconf import OmegaConf

from benchmarks.speed.augmenting.pil import PerExample
from benchmarks.speed.augmenting.recipes import RECIPES, Recipe


class Fixed(SimpleNamespace):
    """Draws that are not random: every uniform number at a given place of its range."""

    def uniform(self, low: float, high: float) -> float:
        return low + self.place * (high - low)

    def random(self) -> float:
        return self.chance

    def randint(self, low: int, high: int) -> int:
        return round(self.uniform(low, high))


def changed(image: np.ndarray, recipe: Recipe, place: float, chance: float = 1.0) -> np.ndarray:
    change = PerExample(recipe)
    change._random = Fixed(place=place, chance=chance)
    return change(image)


@pytest.fixture(params=[(28, 28), (32, 32, 3)], ids=["grey", "RGB"])
def image(request: pytest.FixtureRequest) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, request.param, dtype=np.uint8)


def test_middle_draws_change_nothing(image: np.ndarray) -> None:
    recipe = Recipe(degrees=45, shift=0.1, shear=10, zoom=0.2, brightness=0.1, contrast=0.1, padding=0.125)
    assert np.array_equal(changed(image, recipe, 0.5), image)


def test_turns_by_its_angle(image: np.ndarray) -> None:
    turned = changed(image, Recipe(degrees=90), 1.0)
    # the cosine of a right angle is not quite 0
    assert np.abs(turned.astype(int) - np.rot90(image)).max() <= 1


def test_shifts_by_its_share_of_the_side(image: np.ndarray) -> None:
    pixels = image.shape[0] // 4
    moved = changed(image, Recipe(shift=0.25), 1.0)
    assert np.array_equal(moved[:-pixels, :-pixels], image[pixels:, pixels:])
    assert not moved[-pixels:].any()


def test_half_a_window_is_enlarged_twice() -> None:
    image = np.zeros((28, 28), dtype=np.uint8)
    image[7:21, 7:21] = 200
    # the window in the middle
    change = PerExample(Recipe(crop=0.5))
    draws = iter([0, 0, 1, 1, 0.5, 0, 0, 0, 0])
    change._random = SimpleNamespace(uniform=lambda low, high: next(draws), random=lambda: 1.0)
    assert (change(image)[1:-1, 1:-1] == 200).all()


def test_enlarged_turn_shows_no_corner() -> None:
    image = np.full((28, 28), 200, dtype=np.uint8)
    assert (changed(image, Recipe(degrees=30), 1.0) == 0).any()
    assert (changed(image, Recipe(degrees=30, rotate_crop=0.5), 1.0, chance=0.0) >= 199).all()


def test_crops_and_mirrors(image: np.ndarray) -> None:
    border = image.shape[0] // 8 if image.shape[0] == 32 else round(28 / 8)
    cropped = changed(image, Recipe(padding=0.125), 0.0)
    assert np.array_equal(cropped[border:, border:], image[:-border, :-border])
    assert np.array_equal(changed(image, Recipe(mirror=0.5), 0.5, chance=0.0), image[:, ::-1])


def test_brightens_by_its_factor(image: np.ndarray) -> None:
    brighter = changed(image, Recipe(brightness=0.5), 1.0)
    assert np.abs(brighter.astype(int) - np.clip(1.5 * image, 0, 255)).max() <= 1


def test_the_whole_recipe_changes_images_of_either_kind(image: np.ndarray) -> None:
    for recipe in RECIPES.values():
        found = PerExample(recipe, seed=1)(image)
        assert (found.shape, found.dtype) == (image.shape, np.uint8)
        assert not np.array_equal(found, image)


@pytest.mark.parametrize("word", RECIPES)
def test_recipes_are_those_of_the_words(word: str) -> None:
    folder = Path(__file__).resolve().parents[2] / "conf" / "augmentation"
    named = {"horizontal": "mirror"}
    numbers = {}
    for step in OmegaConf.to_container(OmegaConf.load(folder / f"{word}.yaml")).values():
        if isinstance(step, dict):
            numbers |= {named.get(key, key): value for key, value in step.items() if not key.startswith("_")}
    assert numbers.pop("vertical", 0.0) == 0.0
    assert Recipe(**numbers) == RECIPES[word]
