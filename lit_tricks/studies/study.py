"""What every study is, and what one finds."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from matplotlib.figure import Figure

from lit_tricks.errors import UserError

Part = TypeVar("Part")


@dataclass(frozen=True)
class Findings:
    """What a study leaves in its run directory.

    Attributes:
        sentence: what came out, in one sentence; the report's title.
        metrics: the final figures by name; ``adam/loss`` is the loss of ``adam``. None where there is none, as for
            what diverged.
        figures: the pictures by the name of their file.
        rows: the lines of ``metrics.csv`` in their order; the first column is what the others are drawn against. A
            line may lack columns.
        facts: what ``results.json`` gets beside the metrics.
    """

    sentence: str
    metrics: Mapping[str, float | int | None]
    figures: Mapping[str, Figure]
    rows: Sequence[Mapping[str, float | int]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


class Study(ABC):
    """A demonstration that trains no classifier on a data set.

    Its constructor takes the knobs and refuses bad ones with ``UserError``; ``run`` computes everything anew.
    """

    @abstractmethod
    def run(self, seed: int) -> Findings:
        """Return what is found; the same ``seed`` finds the same. A study without randomness leaves it unread."""


def chosen(parts: Mapping[str, Part], only: Sequence[str] | None, knob: str) -> dict[str, Part]:
    """Return those of ``parts`` that ``only`` names, in its order, or all of them where it is None.

    Raises ``UserError`` for a name that ``parts`` lacks, and when nothing is left.
    """
    names = list(parts) if only is None else list(only)
    unknown = [name for name in names if name not in parts]
    if unknown or not names:
        received = unknown[0] if unknown else "none"
        raise UserError(
            f"study.only must name at least one of study.{knob}, {', '.join(parts)}; received {received}: "
            f"try study.only=[{next(iter(parts), '')}]"
        )
    return {name: parts[name] for name in names}


def require_numbers(knob: str, values: Sequence[float], length: int | None, example: str) -> list[float]:
    """Return a list of finite numbers, ``length`` of them if given, as floats; raise ``UserError`` otherwise."""
    listed = list(values) if isinstance(values, Sequence) else []
    if not listed or not all(map(is_number, listed)) or (length is not None and len(listed) != length):
        count = "a list of finite numbers" if length is None else f"a list of {length} finite numbers"
        raise UserError(f"study.{knob} must be {count}; received {values}: try study.{knob}={example}")
    return [float(value) for value in listed]


def is_number(value: Any) -> bool:
    """Return whether ``value`` is a finite number and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def require_reach(reach: float) -> None:
    """Raise ``UserError`` unless drives from -``reach`` to ``reach`` can be drawn: a number in (0, 100]."""
    if not is_number(reach) or not 0 < reach <= 100:
        raise UserError(f"study.reach must be a number in (0, 100]; received {reach}: try study.reach=6")
