"""Schedules shaped by a cosine or a triangle."""

from dataclasses import dataclass
from functools import partial

from lit_tricks.functional.schedules import cosine, triangular, warm_restarts
from lit_tricks.optim.plan import TrainingPlan
from lit_tricks.optim.ranges import require_floor, require_in
from lit_tricks.optim.schedule import ClosedForm, Factor


@dataclass(frozen=True, kw_only=True)
class Cyclic(ClosedForm):
    """The rate climbs from ``min_lr`` to ``max_lr`` and back in straight lines, for ever (Smith 2017, triangular).

    Momentum is left alone.

    Attributes:
        min_lr: rate at step 0; None is a quarter of the highest.
        max_lr: highest rate; None is the optimizer's.
        half_cycle: optimizer steps from the lowest to the highest rate; None is two epochs.
    """

    min_lr: float | None = None
    max_lr: float | None = None
    half_cycle: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_lr is not None:
            require_in("min_lr", self.min_lr, "[0, inf)", 0.0001)
        if self.max_lr is not None:
            require_in("max_lr", self.max_lr, "(0, inf)", 0.1)
        if self.half_cycle is not None:
            require_in("half_cycle", self.half_cycle, "[1, inf)", 100, whole=True)

    def factor(self, plan: TrainingPlan, lr: float) -> Factor:
        """Return the triangular wave."""
        high = lr if self.max_lr is None else self.max_lr
        low = high / 4 if self.min_lr is None else self.min_lr
        require_floor(low, high)
        half_cycle = self.half_cycle or 2 * plan.steps_per_epoch
        return partial(triangular, low=low / lr, high=high / lr, half_cycle=half_cycle)


@dataclass(frozen=True, kw_only=True)
class Cosine(ClosedForm):
    """Half a cosine from the optimizer's rate down to ``min_lr`` over what the warm-up leaves of the run.

    Raises ``UserError`` when the run has no known end.

    Attributes:
        min_lr: rate that the step after the last would have; at least 0.
    """

    min_lr: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_in("min_lr", self.min_lr, "[0, inf)", 0)

    def factor(self, plan: TrainingPlan, lr: float) -> Factor:
        """Return the half cosine."""
        require_floor(self.min_lr, lr)
        return partial(cosine, steps=plan.steps_after(self.warmup_steps), floor=self.min_lr / lr)


@dataclass(frozen=True, kw_only=True)
class WarmRestarts(ClosedForm):
    """Half cosines that restart at the top: SGDR (Loshchilov & Hutter 2017), changed at every step.

    Attributes:
        first_period: optimizer steps of the first cosine; None is one epoch.
        t_mult: each period is this many times as long as the last; at least 1.
        m_mul: each restart is this many times as high above ``min_lr`` as the last; in (0, 1].
        min_lr: rate at the end of every period; at least 0.
    """

    first_period: int | None = None
    t_mult: float = 2.0
    m_mul: float = 1.0
    min_lr: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.first_period is not None:
            require_in("first_period", self.first_period, "[1, inf)", 1000, whole=True)
        require_in("t_mult", self.t_mult, "[1, inf)", 2)
        require_in("m_mul", self.m_mul, "(0, 1]", 1)
        require_in("min_lr", self.min_lr, "[0, inf)", 0)

    def factor(self, plan: TrainingPlan, lr: float) -> Factor:
        """Return the repeated half cosines."""
        require_floor(self.min_lr, lr)
        first_period = self.first_period or plan.steps_per_epoch
        return partial(
            warm_restarts, first_period=first_period, t_mult=self.t_mult, m_mul=self.m_mul, floor=self.min_lr / lr
        )
