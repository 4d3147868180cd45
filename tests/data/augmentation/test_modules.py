"""Modules of kornia's and of the user's as steps of the augmentation."""

import ast
from pathlib import Path

import kornia.augmentation as kornia
import pytest
import torch
from torch import Tensor, nn

import lit_tricks
from lit_tricks.data.augmentation import Augmentation, Flip
from lit_tricks.errors import UserError

RANGE = (0.0, 255.0)


def batch(size: int, channels: int = 3) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (size, channels, 16, 16), dtype=torch.uint8, generator=rng)
    return x, torch.zeros(size, dtype=torch.int64)


class Noise(nn.Module):
    """Draws from the global generator as many layers do."""

    def forward(self, x: Tensor) -> Tensor:
        assert x.min() >= 0
        assert x.max() <= 1
        return x + 0.1 * torch.randn_like(x)


@pytest.mark.parametrize(
    "module",
    [
        Noise(),
        kornia.RandomAffine(degrees=20.0),
        kornia.ColorJiggle(0.2, 0.2, 0.2, 0.1),
        kornia.AugmentationSequential(kornia.RandomHorizontalFlip(), kornia.RandomGaussianBlur([3, 3], [0.1, 2.0])),
    ],
    ids=lambda module: type(module).__name__,
)
def test_a_batch_looks_the_same_in_any_order_and_dropout_draws_what_it_would(module: nn.Module) -> None:
    augmentation, (x, y) = Augmentation({"theirs": module}, 3, RANGE), batch(24)
    before = torch.get_rng_state()
    together, target = augmentation(x, y, [16, 8], 1, 5)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    second, _ = augmentation(x[16:], y[16:], [8], 1, 6)
    first, _ = augmentation(x[:16], y[:16], [16], 1, 5)
    assert torch.equal(together, torch.cat([first, second]))
    assert target is y
    assert not torch.equal(together, x.float())
    other_epoch, _ = augmentation(x, y, [16, 8], 2, 5)
    assert not torch.equal(together, other_epoch)


def test_a_module_that_changes_nothing_changes_no_bit() -> None:
    x, y = batch(256, 1)
    x[:, 0, 0, 0] = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(Augmentation({"identity": nn.Identity()}, 0, RANGE)(x, y, [256], 0, 0)[0], x.float())


def test_a_module_with_weights_records_no_gradients() -> None:
    x, y = batch(4, 1)
    changed, _ = Augmentation({"layer": nn.Conv2d(1, 1, 3, padding=1)}, 0, RANGE)(x, y, [4], 0, 0)
    assert not changed.requires_grad


def test_it_comes_after_geometry_and_stays_in_the_raw_range() -> None:
    x, y = batch(64)
    augmentation = Augmentation(
        {"brighter": kornia.RandomBrightness((1.5, 2.0), p=1.0), "flip": Flip((3, 16, 16))}, 0, RANGE
    )
    assert augmentation.names == ["flip", "brighter"]
    changed, _ = augmentation(x, y, [64], 0, 0)
    assert changed.max() == 255
    assert changed.mean() > 1.3 * x.float().mean()


@pytest.mark.parametrize("name", ["RandomMixUpV2", "RandomMosaic"])
def test_modules_that_mix_classes_are_refused(name: str) -> None:
    nested = kornia.AugmentationSequential(kornia.RandomHorizontalFlip(), getattr(kornia, name)())
    with pytest.raises(UserError, match=rf"augmentation\.theirs holds {name}.*try augmentation=mixup"):
        Augmentation({"theirs": nested}, 0, RANGE)


class Crops(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[..., 1:]


class Returns(nn.Module):
    def forward(self, x: Tensor) -> object:
        return [x]


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (kornia.ColorJiggle(hue=0.1), r"augmentation\.theirs \(ColorJiggle\) said: .*check its keys"),
        (nn.CrossEntropyLoss(), r"augmentation\.theirs \(CrossEntropyLoss\) said"),
        (Crops(), r"must keep type and shape; augmentation\.theirs made torch\.float32 \(4, 1, 16, 15\)"),
        (Returns(), r"augmentation\.theirs made a list"),
    ],
)
def test_what_does_not_fit_is_said(module: nn.Module, message: str) -> None:
    x, y = batch(4, 1)
    with pytest.raises(UserError, match=message):
        Augmentation({"theirs": module}, 0, RANGE)(x, y, [4], 0, 0)


def test_kornia_is_imported_by_nothing_but_a_users_choice() -> None:
    for path in Path(lit_tricks.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "kornia" for name in names), path
