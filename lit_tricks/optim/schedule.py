"""What every schedule is, and the sequence that those in closed form follow."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from lit_tricks.functional.schedules import warmed
from lit_tricks.optim.plan import TrainingPlan
from lit_tricks.optim.ranges import require_in

Factor = Callable[[int], float]


@dataclass(frozen=True, kw_only=True)
class Schedule(ABC):
    """Called with an optimizer and a plan, returns Lightning's scheduler configuration, or None for a constant rate.

    Every parameter group follows the same factor of its own base rate. Rates given in absolute numbers
    (``min_lr``, ``max_lr``) are those of a group at the optimizer's ``lr``; other groups keep their ratio to it.
    Knobs are checked at construction and raise ``UserError``.

    Attributes:
        warmup_steps: linear warm-up that precedes the schedule, in optimizer steps: step s, counted from 0, has
            (s + 1) / warmup_steps of the schedule's first rate. 0: none.
    """

    warmup_steps: int = 0

    def __post_init__(self) -> None:
        require_in("warmup_steps", self.warmup_steps, "[0, inf)", 0, whole=True)

    @abstractmethod
    def __call__(self, optimizer: Optimizer, plan: TrainingPlan) -> dict[str, Any] | None:
        """Attach the schedule to ``optimizer``; raises ``UserError`` where ``plan`` or the rate do not allow it."""


class ClosedForm(Schedule):
    """A schedule that is a factor of the base rate for each optimizer step."""

    def __call__(self, optimizer: Optimizer, plan: TrainingPlan) -> dict[str, Any] | None:
        """Attach the factor, preceded by the warm-up, to every parameter group."""
        factor = self.factor(plan, base_rate(optimizer))
        # a partial has no state of its own: on resume the configuration and the step count say everything
        warm = partial(warmed, factor=factor, warmup_steps=self.warmup_steps)
        return lightning_config(LambdaLR(optimizer, warm))

    @abstractmethod
    def factor(self, plan: TrainingPlan, lr: float) -> Factor:
        """Return the factor of the base rate ``lr`` for each optimizer step after the warm-up."""


def base_rate(optimizer: Optimizer) -> float:
    """Return the rate the optimizer was built with, which groups without one of their own have."""
    return float(optimizer.defaults["lr"])


def lightning_config(
    scheduler: LRScheduler, interval: Literal["step", "epoch"] = "step", monitor: str | None = None
) -> dict[str, Any]:
    """Return what ``configure_optimizers`` puts under ``lr_scheduler``."""
    return {"scheduler": scheduler, "interval": interval, "frequency": 1, "monitor": monitor}
