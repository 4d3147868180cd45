"""The whole augmentation: its random numbers, its order, and the same bits however batches are grouped."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lit_tricks.data.augmentation import (
    Affine,
    Augmentation,
    Colour,
    CutMix,
    Flip,
    MixUp,
    RandomCrop,
    RandomErasing,
    Stage,
    Transformation,
)
from lit_tricks.errors import UserError

RANGE = (0.0, 255.0)
GREY, RGB = (1, 28, 28), (3, 33, 29)


def steps(shape: tuple[int, int, int]) -> dict[str, Transformation]:
    return {
        "mixup": MixUp(10),
        "cutmix": CutMix(shape, 10),
        "affine": Affine(shape, 45, 0.1, 11.46, 0.2, 0.8, 0.5, value_range=RANGE),
        "flip": Flip(shape, vertical=0.5),
        "random_erasing": RandomErasing(shape, value_range=RANGE),
        "colour": Colour(shape, 0.1, 0.1, 0.2, 0.05, value_range=RANGE),
        "random_crop": RandomCrop(shape),
    }


def batch(size: int, shape: tuple[int, ...] = GREY) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (size, *shape), dtype=torch.uint8, generator=rng)
    return x, torch.randint(0, 10, (size,), generator=rng)


def one_by_one(augmentation: Augmentation, x: Tensor, y: Tensor, sizes: Sequence[int]) -> tuple[Tensor, Tensor]:
    pieces = zip(x.split(list(sizes)), y.split(list(sizes)), strict=True)
    done = [augmentation(*piece, [len(piece[1])], 2, 3 + number) for number, piece in enumerate(pieces)]
    return torch.cat([x for x, _ in done]), torch.cat([target for _, target in done])


@pytest.mark.parametrize("sizes", [[1] * 7, [10] * 9, [3, 1, 5, 33], [100, 17]])
@pytest.mark.parametrize("shape", [GREY, RGB])
@pytest.mark.parametrize("name", [*steps(GREY), "all"])
def test_batches_get_the_same_bits_alone_and_together(name: str, shape: tuple[int, int, int], sizes: list[int]) -> None:
    augmentation = Augmentation(steps(shape) if name == "all" else {name: steps(shape)[name]}, 5, RANGE)
    x, y = batch(sum(sizes), shape)
    together = augmentation(x, y, sizes, 2, 3)
    alone = one_by_one(augmentation, x, y, sizes)
    assert torch.equal(together[0], alone[0])
    assert torch.equal(together[1], alone[1])
    assert together[0].dtype == torch.float32


def test_the_default_precision_changes_no_bit() -> None:
    x, y = batch(20, RGB)
    augmentation = Augmentation(steps(RGB), 0, RANGE)
    expected = augmentation(x, y, [20], 0, 0)
    # as Lightning's precision 64-true does
    torch.set_default_dtype(torch.float64)
    try:
        found = augmentation(x, y, [20], 0, 0)
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == torch.float32
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", steps(GREY))
def test_epochs_batches_seeds_and_processes_differ_and_reruns_do_not(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = batch(64)
    x = x.float()

    def change(seed: int = 0, epoch: int = 0, first: int = 0) -> Tensor:
        return Augmentation({name: steps(GREY)[name]}, seed, RANGE)(x, y, [64], epoch, first)[0]

    before = x.clone()
    first = change()
    assert torch.equal(x, before), "the batch itself stays as it is"
    assert torch.equal(first, change())
    for other in (change(seed=1), change(epoch=1), change(first=1)):
        assert not torch.equal(first, other)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    assert not torch.equal(first, change())


def test_draws_leave_every_global_generator_alone() -> None:
    x, y = batch(64)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    Augmentation(steps(GREY), 0, RANGE)(x, y, [64], 0, 0)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()


def test_stages_order_the_steps_and_company_changes_no_draw() -> None:
    assert Augmentation(steps(GREY), 0, RANGE).names == [
        "affine",
        "flip",
        "random_crop",
        "colour",
        "random_erasing",
        "mixup",
        "cutmix",
    ]
    x, y = batch(64)
    _, alone = Augmentation({"mixup": MixUp(10)}, 0, RANGE)(x, y, [64], 0, 0)
    _, in_company = Augmentation({"mixup": MixUp(10), "flip": Flip(GREY)}, 0, RANGE)(x, y, [64], 0, 0)
    assert torch.equal(alone, in_company)


def test_neutral_steps_are_left_out() -> None:
    neutral: dict[str, Any] = {"mixup": MixUp(10, alpha=0), "affine": Affine(GREY), "flip": Flip(GREY, 0.0)}
    augmentation = Augmentation(neutral, 0, RANGE)
    assert not augmentation
    x, y = batch(8)
    changed, target = augmentation(x, y, [8], 0, 0)
    assert torch.equal(changed, x.float())
    assert target is y


class Halve(Transformation):
    """What a user might write."""

    stage = Stage.OTHER
    neutral = False

    def draw(self, size: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        return (rng.random(size) < 0.5,)

    def apply(self, x: Tensor, target: Tensor, drawn: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        return torch.where(drawn[0].view(-1, 1, 1, 1), x / 2, x), target


def test_a_users_transformation_is_a_step() -> None:
    x, y = batch(100)
    changed, _ = Augmentation({"halve": Halve()}, 0, RANGE)(x, y, [60, 40], 0, 0)
    halved = (changed != x).flatten(1).any(1)
    assert 30 < halved.sum() < 70
    assert torch.equal(changed[halved], x[halved] / 2)


def test_another_kind_of_step_is_refused() -> None:
    with pytest.raises(UserError, match=r"augmentation\.odd\._target_ must be a Transformation.*received int"):
        Augmentation({"odd": 3})
