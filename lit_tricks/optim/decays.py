"""Schedules that keep the rate or only ever lower it."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from lit_tricks.functional.schedules import constant, exponential, inverse_time
from lit_tricks.optim.plan import TrainingPlan
from lit_tricks.optim.ranges import require_in
from lit_tricks.optim.schedule import ClosedForm, Factor, lightning_config


@dataclass(frozen=True, kw_only=True)
class Constant(ClosedForm):
    """The optimizer's rate throughout, after an optional warm-up; without one there is no scheduler at all."""

    def __call__(self, optimizer: Optimizer, plan: TrainingPlan) -> dict[str, Any] | None:
        """Return None when there is nothing to do."""
        return super().__call__(optimizer, plan) if self.warmup_steps else None

    def factor(self, plan: TrainingPlan, lr: float) -> Factor:
        """Return 1 at every step."""
        return constant


@dataclass(frozen=True, kw_only=True)
class Exponential(ClosedForm):
    """lr · decay_rate^(step / decay_steps), Keras' ``ExponentialDecay``.

    Attributes:
        decay_rate: in (0, 1]; 1 changes nothing.
        decay_steps: optimizer steps for one factor of ``decay_rate``; None is one epoch.
        staircase: drop once every ``decay_steps`` instead of a little at each step.
    """

    decay_rate: float = 0.96
    decay_steps: int | None = None
    staircase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_in("decay_rate", self.decay_rate, "(0, 1]", 0.96)
        if self.decay_steps is not None:
            require_in("decay_steps", self.decay_steps, "[1, inf)", 1000, whole=True)

    def factor(self, plan: TrainingPlan, lr: float) -> Factor:
        """Return the exponential decay."""
        every = self.decay_steps or plan.steps_per_epoch
        return partial(exponential, rate=self.decay_rate, every=every, staircase=self.staircase)


@dataclass(frozen=True, kw_only=True)
class InverseTime(ClosedForm):
    """lr / (1 + decay_rate · step / decay_steps), Keras' ``InverseTimeDecay``.

    Attributes:
        decay_rate: at least 0; 0 changes nothing.
        decay_steps: optimizer steps counted as one unit of time; None is one epoch.
        staircase: change once every ``decay_steps`` instead of a little at each step.
    """

    decay_rate: float = 0.5
    decay_steps: int | None = None
    staircase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_in("decay_rate", self.decay_rate, "[0, inf)", 0.5)
        if self.decay_steps is not None:
            require_in("decay_steps", self.decay_steps, "[1, inf)", 1000, whole=True)

    def factor(self, plan: TrainingPlan, lr: float) -> Factor:
        """Return the inverse-time decay."""
        every = self.decay_steps or plan.steps_per_epoch
        return partial(inverse_time, rate=self.decay_rate, every=every, staircase=self.staircase)


@dataclass(frozen=True, kw_only=True)
class StepDecay(ClosedForm):
    """lr · gamma^⌊epoch / step_epochs⌋, changed at the end of an epoch.

    With a warm-up the schedule counts steps, and its first epoch begins when the warm-up ends.

    Attributes:
        gamma: in (0, 1]; 1 changes nothing.
        step_epochs: epochs between two drops, at least 1.
    """

    gamma: float = 0.1
    step_epochs: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        require_in("gamma", self.gamma, "(0, 1]", 0.1)
        require_in("step_epochs", self.step_epochs, "[1, inf)", 10, whole=True)

    def __call__(self, optimizer: Optimizer, plan: TrainingPlan) -> dict[str, Any] | None:
        """Attach the schedule, per epoch where no warm-up asks for steps."""
        if self.warmup_steps:
            return super().__call__(optimizer, plan)
        drops = partial(exponential, rate=self.gamma, every=self.step_epochs, staircase=True)
        return lightning_config(LambdaLR(optimizer, drops), interval="epoch")

    def factor(self, plan: TrainingPlan, lr: float) -> Factor:
        """Return the drops, counted in steps."""
        every = self.step_epochs * plan.steps_per_epoch
        return partial(exponential, rate=self.gamma, every=every, staircase=True)
