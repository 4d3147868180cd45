"""All augmentation of a run: which steps, in which order, with which random numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lit_tricks.data.augmentation.modules import ModuleStep
from lit_tricks.data.augmentation.transformation import Stage, Transformation
from lit_tricks.data.masking import Region
from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed


class Augmentation:
    """Changes training batches at random.

    A batch's random numbers are a function of seed, epoch, number of the batch and process, each step's apart from
    the others': there is no state to store, other random draws of the run are as without augmentation, and a step
    draws the same in the company of others. Examples come out with the same bits whether batches are changed one
    by one or together.

    Args:
        steps: name → ``Transformation``, or module that maps images to images. They are applied by stage, within a
            stage in the order given.
        seed: the run's seed, at least 0.
        value_range: smallest and largest raw value, None when unknown.
        masked: regions of the raw images, (top, left, height, width) in pixels, that are set to the smallest value
            (0 when unknown) before anything else, so that no step can carry what they show to another place.

    Attributes:
        names: the steps that can change anything, in the order of their application.

    Raises ``UserError`` for a step of another kind.
    """

    def __init__(
        self,
        steps: Mapping[str, Any],
        seed: int = 0,
        value_range: tuple[float, float] | None = None,
        masked: Sequence[Region] = (),
    ) -> None:
        staged: list[tuple[Stage, str, _DrawnStep | ModuleStep]] = []
        for name, step in steps.items():
            if isinstance(step, Transformation):
                if not step.neutral:
                    staged.append((step.stage, name, _DrawnStep(step, derive_seed(seed, "augmentation", name))))
            elif isinstance(step, nn.Module):
                staged.append((Stage.OTHER, name, ModuleStep(name, step, value_range, seed)))
            else:
                raise UserError(
                    f"augmentation.{name}._target_ must be a Transformation or a torch.nn.Module; received "
                    f"{type(step).__name__}: try one of kornia.augmentation"
                )
        staged.sort(key=lambda each: each[0])
        self.names = [name for _, name, _ in staged]
        self._steps = [step for _, _, step in staged]
        self._masked = tuple(masked)
        self._blank = 0.0 if value_range is None else value_range[0]

    def __bool__(self) -> bool:
        """Whether anything can change."""
        return bool(self._steps)

    def __call__(self, x: Tensor, y: Tensor, sizes: Sequence[int], epoch: int, first: int) -> tuple[Tensor, Tensor]:
        """Return changed examples, ``float32`` in the range of the raw values, and their targets.

        Args:
            x: (N, *input_shape) raw ``uint8`` or floating examples of consecutive batches; left as they are.
            y: (N,) ``int64`` classes.
            sizes: examples in each of the batches, in order.
            epoch: number of the epoch, from 0.
            first: number of the first batch within the epoch, from 0.

        The targets are ``y`` itself, or class shares (N, K) ``float32`` where a step mixes examples.
        """
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        rank = torch.distributed.get_rank() if distributed else 0
        x, target = x.to(torch.float32, copy=bool(self._masked)), y
        for top, left, height, width in self._masked:
            x[..., top : top + height, left : left + width] = self._blank
        for step in self._steps:
            x, target = step(x, target, sizes, epoch, first, rank)
        return x, target


class _DrawnStep:
    """A transformation with the random numbers of its own, which are found by epoch, batch and process.

    Philox is counter-based (Salmon et al. 2011): going to any place in its stream costs nothing, where seeding
    another generator for every batch would cost more than drawing from it.
    """

    def __init__(self, transformation: Transformation, key: int) -> None:
        self._transformation = transformation
        self._bits = np.random.Philox(key=key)
        self._rng = np.random.Generator(self._bits)
        self._start = self._bits.state

    def __call__(
        self, x: Tensor, target: Tensor, sizes: Sequence[int], epoch: int, first: int, rank: int
    ) -> tuple[Tensor, Tensor]:
        batches = [self._drawn(size, epoch, first + offset, rank) for offset, size in enumerate(sizes)]
        drawn = [torch.from_numpy(np.concatenate(parts)).to(x.device) for parts in zip(*batches, strict=True)]
        return self._transformation.apply(x, target, drawn)

    def _drawn(self, size: int, epoch: int, batch: int, rank: int) -> tuple[np.ndarray, ...]:
        # drawing counts the lowest of the four words up
        self._start["state"]["counter"] = np.array([0, rank, batch, epoch], dtype=np.uint64)
        self._bits.state = self._start
        return self._transformation.draw(size, self._rng)
