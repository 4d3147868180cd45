"""Ranges of scheduler knobs."""

import math
from typing import Any

from lit_tricks.errors import UserError


def require_in(knob: str, value: Any, interval: str, example: float, *, whole: bool = False) -> None:
    """Raise ``UserError`` unless ``value`` is a number in ``interval``, written like ``[0, 1)`` or ``(0, inf)``.

    ``whole`` asks for an ``int``; ``example`` is the value that the message suggests for ``scheduler.<knob>``.
    """
    low, high = (float(bound) for bound in interval[1:-1].split(", "))
    kind = int if whole else (int, float)
    number = isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)
    above = number and (value > low if interval[0] == "(" else value >= low)
    below = number and (value < high if interval[-1] == ")" else value <= high)
    if not (above and below):
        sort = "a whole number" if whole else "a number"
        raise UserError(
            f"scheduler.{knob} must be {sort} in {interval}; received {value!r}: try scheduler.{knob}={example}"
        )


def require_floor(min_lr: float, peak: float) -> None:
    """Raise ``UserError`` unless the lowest rate is at most the ``peak`` rate."""
    if min_lr > peak:
        raise UserError(
            f"scheduler.min_lr must be at most the highest rate {peak:g}; received {min_lr:g}: "
            f"try scheduler.min_lr={peak / 10:g}"
        )
