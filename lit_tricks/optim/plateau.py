"""Lower the rate when a metric stops improving."""

from dataclasses import dataclass
from typing import Any, Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from lit_tricks.errors import UserError
from lit_tricks.functional.schedules import constant, warmed
from lit_tricks.optim.plan import TrainingPlan
from lit_tricks.optim.ranges import require_floor, require_in
from lit_tricks.optim.schedule import Schedule, base_rate, lightning_config


@dataclass(frozen=True, kw_only=True)
class Plateau(Schedule):
    """Multiply the rate by ``factor`` after ``patience`` epochs without improvement: torch's ``ReduceLROnPlateau``.

    The warm-up, unlike the rest, advances with each optimizer step; epochs that end within it are not judged.
    Lightning 2.6 leaves out the epoch in which a run resumes, and saves an epoch's checkpoint before judging it: a
    module that must resume exactly steps the scheduler itself right after validation.

    Attributes:
        factor: in (0, 1).
        patience: epochs without improvement that are forgiven; at least 0.
        threshold: relative change that counts as an improvement; at least 0.
        cooldown: epochs after a drop that are not judged; at least 0.
        min_lr: rate below which nothing falls; at least 0. Drops smaller than 1e-8 are left out.
        monitor: logged metric, for example ``val/loss``, which needs a validation split.
        mode: ``min`` when the metric should fall, ``max`` when it should rise.
    """

    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    cooldown: int = 0
    min_lr: float = 0.0
    monitor: str = "val/loss"
    mode: Literal["min", "max"] = "min"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_in("factor", self.factor, "(0, 1)", 0.1)
        require_in("patience", self.patience, "[0, inf)", 10, whole=True)
        require_in("threshold", self.threshold, "[0, inf)", 1e-4)
        require_in("cooldown", self.cooldown, "[0, inf)", 0, whole=True)
        require_in("min_lr", self.min_lr, "[0, inf)", 0)
        if self.mode not in ("min", "max"):
            raise UserError(f"scheduler.mode must be min or max; received {self.mode}: try scheduler.mode=min")

    def __call__(self, optimizer: Optimizer, plan: TrainingPlan) -> dict[str, Any]:
        """Attach the rule; each group's floor keeps its ratio to ``min_lr``."""
        peak = base_rate(optimizer)
        require_floor(self.min_lr, peak)
        scheduler = _WarmedPlateau(
            optimizer,
            self.warmup_steps,
            mode=self.mode,
            factor=self.factor,
            patience=self.patience,
            threshold=self.threshold,
            cooldown=self.cooldown,
            min_lr=[self.min_lr * group["lr"] / peak for group in optimizer.param_groups],
        )
        return lightning_config(scheduler, interval="epoch", monitor=self.monitor)


class _WarmedPlateau(ReduceLROnPlateau):
    """torch's rule preceded by a warm-up that counts the optimizer's steps through a hook.

    Lightning steps a plateau scheduler once an epoch, too rarely for a warm-up.
    """

    def __init__(self, optimizer: Optimizer, warmup_steps: int, **rule: Any) -> None:
        super().__init__(optimizer, **rule)
        self.warmup_steps = warmup_steps
        self.steps_taken = 0
        self.full_rates = [group["lr"] for group in optimizer.param_groups]
        if warmup_steps:
            self._warm()
            optimizer.register_step_post_hook(self._count)

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]  # as torch's own
        """Judge the epoch by ``metrics``, a scalar, once the warm-up is over."""
        if self.steps_taken >= self.warmup_steps:
            super().step(metrics, epoch)

    def _count(self, *_: Any) -> None:
        if self.steps_taken < self.warmup_steps:
            self.steps_taken += 1
            self._warm()

    def _warm(self) -> None:
        share = warmed(self.steps_taken, constant, self.warmup_steps)
        for group, rate in zip(self.optimizer.param_groups, self.full_rates, strict=True):
            group["lr"] = rate * share
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]
