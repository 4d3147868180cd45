"""How long a run will be."""

from dataclasses import dataclass

from lit_tricks.errors import UserError


@dataclass(frozen=True)
class TrainingPlan:
    """The length of a run, counted in optimizer steps (after gradient accumulation), not in batches.

    Attributes:
        total_steps: optimizer steps in the whole run; None when it has no end of its own.
        steps_per_epoch: optimizer steps in one epoch, at least 1.
        max_epochs: epochs in the whole run; None when unlimited.
    """

    total_steps: int | None
    steps_per_epoch: int
    max_epochs: int | None

    def steps_after(self, warmup_steps: int) -> int:
        """Return the steps left after the warm-up; raises ``UserError`` when the run has no end or none are left."""
        if self.total_steps is None:
            raise UserError(
                "this scheduler needs to know where the run ends; received no limit of epochs or steps: "
                "try trainer.max_epochs=20"
            )
        if warmup_steps >= self.total_steps:
            raise UserError(
                f"scheduler.warmup_steps must be less than the {self.total_steps} steps of the run; "
                f"received {warmup_steps}: try scheduler.warmup_steps={self.total_steps // 10}"
            )
        return self.total_steps - warmup_steps
