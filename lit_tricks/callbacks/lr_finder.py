"""A training run turned into a learning-rate range test."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import pytorch_lightning as pl
import torch

from lit_tricks.errors import UserError
from lit_tricks.functional.range_test import local_lines, steepest, valley

Suggestion = Literal["steepest", "valley"]

# a loss so many times the best one will not come back
DIVERGED = 4.0
# smoothing reaches a quarter of a decade to either side, and three steps at least
REACH = 0.25
FEWEST = 3.0


@dataclass(frozen=True)
class RangeTest:
    """What a range test found.

    Attributes:
        rates: the rate of each step, rising by a constant factor.
        losses: the training loss of each step before it was taken.
        levels: ``losses``, smoothed; those after the lowest count as no more than the highest before it.
        steepest: the rate at which the smoothed loss falls fastest with the logarithm of the rate.
        valley: the rate half-way, on that scale, between where the smoothed loss begins to fall and its lowest point.
        suggestion: the one of the two that was asked for.
        diverged: whether the loss ended the test; otherwise the highest rate did.
    """

    rates: list[float]
    losses: list[float]
    levels: list[float]
    steepest: float
    valley: float
    suggestion: float
    diverged: bool


class _RunningMean:
    """Mean of a sequence whose weights fall by a tenth from each value to the one before."""

    def __init__(self) -> None:
        self._sum = self._weight = 0.0

    def add(self, value: float) -> float:
        """Return the mean with ``value`` as the latest."""
        self._sum = 0.9 * self._sum + value
        self._weight = 0.9 * self._weight + 1
        return self._sum / self._weight


class LearningRateFinder(pl.Callback):
    """Raises the learning rate from step to step and notes the loss, until it diverges (Smith 2017, section 3.3).

    It turns the run that it belongs to into a test: weights are not worth keeping afterwards, and the run should
    have no schedule. Every parameter group keeps its ratio to the optimizer's rate. The suggestion is read off the
    smoothed loss over the logarithm of the rate, since a slope over the rate itself is steepest at the very lowest
    rates, whatever the curve.

    Args:
        min_lr: rate of the first step, greater than 0.
        max_lr: rate of the last one, greater than ``min_lr``.
        steps: optimizer steps, at least 10; half a dozen a decade is few, twenty is plenty.
        suggestion: ``steepest`` or ``valley``, see ``RangeTest``.

    Raises ``UserError`` for arguments out of range, and when training starts with several optimizers.
    """

    def __init__(
        self, min_lr: float = 1e-6, max_lr: float = 10.0, steps: int = 100, suggestion: Suggestion = "steepest"
    ) -> None:
        if not 0 < min_lr < max_lr < math.inf:
            raise UserError(
                f"a range test needs 0 < min_lr < max_lr; received {min_lr} and {max_lr}: "
                "try callbacks.lr_finder.min_lr=1e-6 and callbacks.lr_finder.max_lr=10"
            )
        if steps < 10:
            raise UserError(f"a range test needs 10 steps or more; received {steps}: try callbacks.lr_finder.steps=100")
        if suggestion not in ("steepest", "valley"):
            raise UserError(
                f"the suggestion must be steepest or valley; received {suggestion}: "
                "try callbacks.lr_finder.suggestion=steepest"
            )
        self.min_lr = min_lr
        self.max_lr = max_lr
        self.steps = steps
        self.suggestion = suggestion
        self._begin([])

    def _begin(self, ratios: list[float]) -> None:
        self._ratios = ratios
        self._losses: list[list[float]] = []
        self._running = _RunningMean()
        self._best = math.inf
        self.diverged = False

    def rate(self, step: int) -> float:
        """Return the rate of a step, counted from 0."""
        return self.min_lr * (self.max_lr / self.min_lr) ** (step / (self.steps - 1))

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note each group's ratio to the optimizer's rate."""
        if len(trainer.optimizers) != 1:
            raise UserError(
                f"a range test needs one optimizer; received {len(trainer.optimizers)}: set their rates by hand"
            )
        optimizer = trainer.optimizers[0]
        self._begin([group["lr"] / optimizer.defaults["lr"] for group in optimizer.param_groups])

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Set the step's rate."""
        rate = self.rate(trainer.global_step)
        for group, ratio in zip(trainer.optimizers[0].param_groups, self._ratios, strict=True):
            group["lr"] = rate * ratio
        if trainer.global_step == len(self._losses):
            self._losses.append([])

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        """Note the loss; end the test once it has diverged."""
        # Lightning hands over each batch's share of the step's loss
        loss = float(outputs["loss"]) * trainer.accumulate_grad_batches
        self._losses[-1].append(loss)
        level = self._running.add(loss)
        self._best = min(self._best, level)
        if not math.isfinite(loss) or level > DIVERGED * self._best:
            self.diverged = trainer.should_stop = True

    def result(self) -> RangeTest:
        """Return what was found; raises ``UserError`` when the loss never fell."""
        # accumulated batches make one step; the test ends with the first that is not finite
        losses = [sum(parts) / len(parts) for parts in self._losses if parts]
        if losses and not math.isfinite(losses[-1]):
            losses.pop()
        if len(losses) < 10:
            raise self._no_descent(f"the loss diverged within {len(losses)} steps")
        rates = [self.rate(step) for step in range(len(losses))]
        values = torch.tensor(losses, dtype=torch.float64)
        # how far a loss explodes says nothing, and would reach back through the smoothing
        values = values.clamp(max=float(values[: int(values.argmin()) + 1].max()))
        decades = math.log10(self.max_lr / self.min_lr)
        levels, slopes = local_lines(values, max(REACH * (self.steps - 1) / decades, FEWEST))
        lowest = int(levels.argmin())
        noise = float((values - levels)[: lowest + 1].std()) if lowest else 0.0
        # smoothed noise alone spans about as much as the noise itself
        if float(levels[: lowest + 1].max() - levels[lowest]) <= 2 * noise:
            raise self._no_descent("the loss fell nowhere by more than its noise")
        found = {"steepest": rates[steepest(levels, slopes)], "valley": rates[valley(levels)]}
        return RangeTest(
            rates, losses, levels.tolist(), **found, suggestion=found[self.suggestion], diverged=self.diverged
        )

    def _no_descent(self, what: str) -> UserError:
        return UserError(
            f"a range test needs rates at which the loss falls; between {self.min_lr:g} and {self.max_lr:g} {what}: "
            "try other callbacks.lr_finder.min_lr and max_lr, a larger batch_size, or set optimizer.lr by hand"
        )
