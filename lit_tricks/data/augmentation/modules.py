"""A module of the user's or of kornia's as one step of the augmentation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed

# kornia's own mixes return the labels apart, in formats that differ, or not at all
LABEL_MIXING = {"RandomMixUpV2", "RandomCutMixV2", "RandomMosaic", "RandomPatchMix", "RandomTransplantation"}


class ModuleStep:
    """Applies an ``nn.Module`` that maps images to images, such as kornia's augmentations, batch by batch.

    Images go in as ``float32``, scaled to [0, 1] where the range of raw values is known, as kornia's colours
    expect them, and come out in the raw range. The module draws from torch's global generators, which are seeded
    for each batch and put back afterwards: a batch looks the same however often and in whatever order it is made,
    and dropout draws what it would have drawn. On other devices than processors and CUDA only what is drawn on the
    processor is seeded.

    Args:
        name: the step's place in the configuration, for messages and its random numbers.
        module: maps (B, *input_shape) to the same shape.
        value_range: smallest and largest raw value, None when unknown.
        seed: the run's seed, at least 0.

    Raises ``UserError`` for modules that mix examples but not their classes.
    """

    def __init__(self, name: str, module: nn.Module, value_range: tuple[float, float] | None, seed: int) -> None:
        mixing = {type(part).__name__ for part in module.modules()} & LABEL_MIXING
        if mixing:
            raise UserError(
                f"an augmentation module maps images to images; augmentation.{name} holds {mixing.pop()}, which mixes "
                "classes too: try augmentation=mixup or augmentation=cutmix"
            )
        self._name = name
        self._module = module
        self._seed = seed
        low, high = value_range or (0.0, 1.0)
        self._low, self._width = low, high - low

    def __call__(
        self, x: Tensor, target: Tensor, sizes: Sequence[int], epoch: int, first: int, rank: int
    ) -> tuple[Tensor, Tensor]:
        """Return the changed examples of several batches and the target as it is."""
        self._module.to(x.device)
        changed = []
        for offset, images in enumerate(((x - self._low) / self._width).split(list(sizes))):
            seed = derive_seed(self._seed, "augmentation", self._name, epoch, first + offset, rank)
            with torch.no_grad(), _seeded(seed, x.device):
                changed.append(self._changed(images))
        return torch.cat(changed) * self._width + self._low, target

    def _changed(self, before: Tensor) -> Tensor:
        try:
            images = self._module(before)
        except (TypeError, ValueError, RuntimeError) as error:
            raise UserError(
                f"an augmentation must take images {tuple(before.shape)}; augmentation.{self._name} "
                f"({type(self._module).__name__}) said: {str(error).splitlines()[0]}: check its keys, or leave it out"
            ) from error
        if not isinstance(images, Tensor) or images.shape != before.shape or images.dtype != before.dtype:
            found = (
                f"{images.dtype} {tuple(images.shape)}" if isinstance(images, Tensor) else f"a {type(images).__name__}"
            )
            raise UserError(
                f"an augmentation must keep type and shape; augmentation.{self._name} made {found} of "
                f"{before.dtype} {tuple(before.shape)}: give it the size {tuple(before.shape[-2:])}"
            )
        return images


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)
        for each in devices:
            with torch.cuda.device(each):
                torch.cuda.manual_seed(seed)
        yield
