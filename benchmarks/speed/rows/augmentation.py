"""Augmented examples a second, whole batches at once beside PIL example by example and beside kornia."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.speed.augmenting.recipes import RECIPES, SHAPES, Recipe
from benchmarks.speed.contenders.training import images, one_thread
from benchmarks.speed.figures import ratio
from benchmarks.speed.row import Claim, Contender, Figures, Line, Row, Work

# augments all images, given as bytes
Way = Callable[[Any], None]

OURS, PIL, KORNIA = "lit_tricks, batched", "PIL, one by one", "kornia, batched"
# examples in all, in a batch, and in the batches that lit_tricks changes together
_EXAMPLES, _BATCH_SIZE, _TOGETHER = 9600, 32, 320
_KINDS = [f"{recipe}, {shape}" for recipe in RECIPES for shape in SHAPES]


def _pixels(work: Work, shape: tuple[int, int, int]) -> Any:
    """Return MNIST's images as bytes (N, *shape), padded and tinted where the shape asks for it."""
    import torch
    from torch.nn.functional import pad

    x, _ = images(work.data_dir, work.share(_EXAMPLES, least=_TOGETHER), flat=False)
    border = (shape[1] - x.shape[2]) // 2
    tints = torch.rand(len(x), shape[0], 1, 1, generator=torch.Generator().manual_seed(0)) if shape[0] > 1 else 1.0
    return (255 * pad(x, (border,) * 4) * tints).round().to(torch.uint8)


def _batched_way(recipe: Recipe, shape: tuple[int, int, int]) -> Way:
    import torch

    from benchmarks.speed.augmenting.batched import batched

    change = batched(recipe, shape)

    def augment(pixels: Any) -> None:
        labels = torch.zeros(_TOGETHER, dtype=torch.int64)
        sizes = [_BATCH_SIZE] * (_TOGETHER // _BATCH_SIZE)
        for number, part in enumerate(pixels.split(_TOGETHER)):
            change(part, labels, sizes, number * len(sizes))

    return augment


def _pil_way(recipe: Recipe, shape: tuple[int, int, int]) -> Way:
    import numpy as np
    import torch

    from benchmarks.speed.augmenting.pil import PerExample

    change = PerExample(recipe)

    def augment(pixels: Any) -> None:
        arrays = (pixels[:, 0] if shape[0] == 1 else pixels.permute(0, 2, 3, 1).contiguous()).numpy()
        for start in range(0, len(arrays), _BATCH_SIZE):
            changed = [change(array) for array in arrays[start : start + _BATCH_SIZE]]
            torch.from_numpy(np.stack(changed)).float()

    return augment


def _kornia_way(recipe: Recipe, shape: tuple[int, int, int]) -> Way | None:
    import torch

    from benchmarks.speed.augmenting.peer import kornia_batched

    change = kornia_batched(recipe, shape)
    if change is None:
        return None

    def augment(pixels: Any) -> None:
        with torch.no_grad():
            for part in pixels.split(_TOGETHER):
                change(part.float() / 255).mul_(255)

    return augment


def _measure(work: Work, way: Callable[[Recipe, tuple[int, int, int]], Way | None]) -> Figures:
    one_thread()
    found = {}
    for recipe, numbers in RECIPES.items():
        for name, shape in SHAPES.items():
            augment, pixels = way(numbers, shape), _pixels(work, shape)
            if augment is None:
                continue
            augment(pixels)
            started = time.perf_counter()
            augment(pixels)
            found[f"{recipe}, {name}"] = len(pixels) / (time.perf_counter() - started)
    return found


ROWS = (
    Row(
        name="augmentation",
        title="Augmentation",
        timed=(
            "Examples a second on one thread, from bytes in memory to the float batch. *full*, the lecture's recipe, "
            "turns by up to 45°, shifts and brightens by .1, shears, zooms by .2, crops, enlarges half of the turned "
            "images until no corner shows, mirrors, and changes colours; *mild* turns by up to 10°, shifts "
            "and zooms by .1; *random_crop* pads by an eighth of the side "
            f"and crops. Batches of {_BATCH_SIZE}; lit_tricks changes {_TOGETHER // _BATCH_SIZE} of them at once, as "
            "in training. The PIL way composes all changes of place into one affine map and interpolates once. kornia "
            "changes as many at once as lit_tricks, by its own classes, where those make up the recipe. RGB images are "
            "MNIST's, padded and tinted."
        ),
        contenders=(
            Contender(PIL, partial(_measure, way=_pil_way)),
            Contender(OURS, partial(_measure, way=_batched_way)),
            Contender(KORNIA, partial(_measure, way=_kornia_way), "kornia"),
        ),
        columns=tuple(f"{kind}, examples/s" for kind in _KINDS),
        lines=tuple(Line(name, name, tuple(_KINDS)) for name in (PIL, OURS, KORNIA)),
        base=False,
        claims=tuple(
            Claim(f"augmentation {kind}: lit_tricks ÷ PIL", "at least", 5.0, ratio((OURS, kind), (PIL, kind)))
            for kind in _KINDS
        )
        + tuple(
            Claim(f"augmentation {kind}: lit_tricks ÷ kornia", "at least", 1.0, ratio((OURS, kind), (KORNIA, kind)))
            for kind in _KINDS
            if not kind.startswith("full")
        ),
    ),
)
