"""One cycle of the learning rate, and of the momentum against it, over the whole run."""

from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from lit_tricks.functional.schedules import constant, warmed
from lit_tricks.optim.plan import TrainingPlan
from lit_tricks.optim.ranges import require_in
from lit_tricks.optim.schedule import Schedule, base_rate, lightning_config


@dataclass(frozen=True, kw_only=True)
class OneCycle(Schedule):
    """Cosine from max_lr / div up to max_lr, then down to max_lr / final_div (Smith & Topin 2018, fastai's shape).

    torch's ``OneCycleLR`` does the work. Both divisors divide ``max_lr``, as in fastai; torch's
    ``final_div_factor`` would divide the first rate. A run too short to climb starts at the top.
    Momentum, or beta1, moves the other way from ``max_momentum`` to ``base_momentum`` and back, but only where the
    optimizer has one above 0: plain SGD stays plain. Raises ``UserError`` when the run has no known end.

    Attributes:
        max_lr: highest rate; None is the optimizer's.
        pct_start: share of the steps spent climbing, in [0, 1].
        div: at least 1.
        final_div: at least 1.
        cycle_momentum: False leaves momentum alone.
        base_momentum: momentum at the highest rate, in [0, 1).
        max_momentum: momentum at the lowest rates, in [0, 1).
    """

    max_lr: float | None = None
    pct_start: float = 0.25
    div: float = 25.0
    final_div: float = 1e5
    cycle_momentum: bool = True
    base_momentum: float = 0.85
    max_momentum: float = 0.95

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_lr is not None:
            require_in("max_lr", self.max_lr, "(0, inf)", 0.1)
        require_in("pct_start", self.pct_start, "[0, 1]", 0.25)
        require_in("div", self.div, "[1, inf)", 25)
        require_in("final_div", self.final_div, "[1, inf)", 1e5)
        require_in("base_momentum", self.base_momentum, "[0, 1)", 0.85)
        require_in("max_momentum", self.max_momentum, "[0, 1)", 0.95)

    def __call__(self, optimizer: Optimizer, plan: TrainingPlan) -> dict[str, Any]:
        """Attach the cycle; a group's peak keeps its ratio to the optimizer's rate."""
        steps = plan.steps_after(self.warmup_steps)
        scale = 1.0 if self.max_lr is None else self.max_lr / base_rate(optimizer)
        scheduler = _WarmedOneCycle(
            optimizer,
            self.warmup_steps,
            max_lr=[group["lr"] * scale for group in optimizer.param_groups],
            total_steps=steps,
            # torch divides by zero when the climb is shorter than a step
            pct_start=float(self.pct_start) if self.pct_start * steps > 1 else 0.0,
            cycle_momentum=self.cycle_momentum and all(map(_has_momentum, optimizer.param_groups)),
            base_momentum=self.base_momentum,
            max_momentum=self.max_momentum,
            div_factor=self.div,
            final_div_factor=self.final_div / self.div,
        )
        return lightning_config(scheduler)


class _WarmedOneCycle(OneCycleLR):
    """torch's cycle preceded by a warm-up, staying at its last rate when the run goes on."""

    def __init__(self, optimizer: Optimizer, warmup_steps: int, **shape: Any) -> None:
        self.warmup_steps = warmup_steps
        super().__init__(optimizer, **shape)

    def get_lr(self) -> list[Any]:
        """Return the rate of each group, setting momentum on the way as torch does."""
        step = self.last_epoch
        self.last_epoch = min(max(step - self.warmup_steps, 0), self.total_steps - 1)
        try:
            rates = super().get_lr()
        finally:
            self.last_epoch = step
        return [rate * warmed(step, constant, self.warmup_steps) for rate in rates]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue at the saved step; the shape is the configuration's, so a longer run cools down at its end."""
        super().load_state_dict({key: state_dict[key] for key in ("last_epoch", "_step_count", "_last_lr")})


def _has_momentum(group: dict[str, Any]) -> bool:
    return "betas" in group or group.get("momentum", 0) > 0
