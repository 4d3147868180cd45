"""When reused layers learn, and how fast."""

from lit_tricks.errors import UserError
from lit_tricks.transfer.transfer import NewOutput, Statistics, Transfer


class Frozen(Transfer):
    """Reused layers stay as they are; the output layer, and what else is new, learns on their features."""

    def begins(self, depth: int) -> int | None:
        """Return None: never."""
        return None

    def share(self, depth: int) -> float:
        """Return 1, which nothing uses."""
        return 1.0


class FineTuned(Transfer):
    """Everything learns from the first step on, reused layers below the output at ``body_lr`` of the rate.

    Args:
        body_lr: share of the optimizer's rate, in (0, 1].
        source, statistics, new_output: see ``Transfer``.

    Raises ``UserError`` for a share out of range.
    """

    def __init__(
        self, source: str, statistics: Statistics = "source", new_output: NewOutput = "auto", body_lr: float = 1.0
    ) -> None:
        super().__init__(source, statistics, new_output)
        if not 0 < body_lr <= 1:
            raise UserError(
                f"transfer.body_lr, a share of the optimizer's rate, must be in (0, 1]; received {body_lr}: "
                "try transfer.body_lr=0.1"
            )
        self.body_lr = float(body_lr)

    def begins(self, depth: int) -> int | None:
        """Return 0: at once."""
        return 0

    def share(self, depth: int) -> float:
        """Return ``body_lr``."""
        return self.body_lr


class Gradual(Transfer):
    """Reused layers thaw one by one from the output down, each slower than the one above: ULMFiT.

    With epochs counted from 0, the layer with d layers above it begins in epoch d · ``epochs_each`` and learns at
    lr / ``lr_divisor``^d (Howard & Ruder 2018, sections 3.2 and 3.3, whose divisor is 2.6). A layer that thaws has its
    norm with it. Deviation: the schedule is whatever scheduler is chosen, not slanted triangles.

    Args:
        epochs_each: epochs between two layers, at least 1.
        lr_divisor: at least 1; 1 is the same rate for all.
        source, statistics, new_output: see ``Transfer``.

    Raises ``UserError`` for a number out of range.
    """

    def __init__(
        self,
        source: str,
        statistics: Statistics = "source",
        new_output: NewOutput = "auto",
        epochs_each: int = 1,
        lr_divisor: float = 2.6,
    ) -> None:
        super().__init__(source, statistics, new_output)
        if isinstance(epochs_each, bool) or not isinstance(epochs_each, int) or epochs_each < 1:
            raise UserError(
                f"transfer.epochs_each must be a whole number of at least 1; received {epochs_each}: "
                "try transfer.epochs_each=1"
            )
        if not 1 <= lr_divisor < float("inf"):
            raise UserError(
                f"transfer.lr_divisor must be at least 1; received {lr_divisor}: try transfer.lr_divisor=2.6"
            )
        self.epochs_each = epochs_each
        self.lr_divisor = float(lr_divisor)

    def begins(self, depth: int) -> int | None:
        """Return ``depth`` · ``epochs_each``."""
        return depth * self.epochs_each

    def share(self, depth: int) -> float:
        """Return ``lr_divisor``^-``depth``."""
        return self.lr_divisor**-depth
