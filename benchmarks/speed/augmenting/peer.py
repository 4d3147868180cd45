"""The other batched way: kornia's own classes with the numbers of a recipe, each image with its own draws."""

from collections.abc import Callable

from torch import Tensor, nn

from benchmarks.speed.augmenting.recipes import Recipe


def kornia_batched(recipe: Recipe, shape: tuple[int, int, int]) -> Callable[[Tensor], Tensor] | None:
    """Return what changes float images (B, *shape) in [0, 1], None where kornia has no word for the recipe."""
    if recipe.crop < 1 or recipe.rotate_crop or recipe.hue or recipe.saturation:
        return None
    import kornia.augmentation as kornia

    steps: list[nn.Module] = []
    if recipe.moves:
        factors = (1 - recipe.zoom, 1 + recipe.zoom)
        shear = (-recipe.shear, recipe.shear, 0.0, 0.0)
        steps.append(
            kornia.RandomAffine(recipe.degrees, (recipe.shift, recipe.shift), (*factors, *factors), shear, p=1.0)
        )
    if recipe.padding:
        steps.append(kornia.RandomCrop(shape[1:], round(min(shape[1:]) * recipe.padding), p=1.0))
    if recipe.mirror:
        steps.append(kornia.RandomHorizontalFlip(p=recipe.mirror))
    if recipe.brightness or recipe.contrast:
        steps.append(kornia.ColorJitter(recipe.brightness, recipe.contrast, p=1.0))
    return nn.Sequential(*steps)
