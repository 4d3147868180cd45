"""The batched way: lit_tricks' own transformations with the numbers of a recipe."""

from collections.abc import Callable, Sequence

from torch import Tensor

from benchmarks.speed.augmenting.recipes import Recipe

_BYTES = (0.0, 255.0)


def batched(
    recipe: Recipe, shape: tuple[int, int, int], seed: int = 0
) -> Callable[[Tensor, Tensor, Sequence[int], int], Tensor]:
    """Return what changes ``uint8`` images (N, *shape) of several batches: ``(x, y, sizes, first batch)`` → images."""
    from lit_tricks.data.augmentation import Affine, Augmentation, Colour, Flip, RandomCrop

    names = ("degrees", "shift", "shear", "zoom", "crop", "rotate_crop")
    colours = ("brightness", "contrast", "saturation", "hue")
    steps = {
        "affine": Affine(shape, **{name: getattr(recipe, name) for name in names}, value_range=_BYTES),
        "random_crop": RandomCrop(shape, recipe.padding, value_range=_BYTES),
        "flip": Flip(shape, recipe.mirror),
        "colour": Colour(shape, **{name: getattr(recipe, name) for name in colours}, value_range=_BYTES),
    }
    augmentation = Augmentation(steps, seed, _BYTES)
    return lambda x, y, sizes, first: augmentation(x, y, sizes, 0, first)[0]
