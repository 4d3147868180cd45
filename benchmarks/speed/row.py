"""What one row of the suite is: who takes part, which figures are shown, and what they are held against."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Figures = dict[str, float]
# round by round: contender → figures, or None for one that failed
Rounds = list[dict[str, Figures | None]]


@dataclass(frozen=True)
class Work:
    """What a contender is given: its process's own scratch folder and the number of the round, from 0.

    ``quick`` asks for a hundredth of the work, to try the command; such figures mean nothing.
    """

    data_dir: Path
    folder: Path
    number: int = 0
    quick: bool = False

    def share(self, amount: int, least: int = 2) -> int:
        """Return ``amount`` of something that takes time, much reduced when ``quick``."""
        return max(amount // 100, least) if self.quick else amount


@dataclass(frozen=True)
class Contender:
    """One measurement in a process of its own; ``needs`` names a package without which it is left out."""

    name: str
    measure: Callable[[Work], Figures]
    needs: str | None = None


@dataclass(frozen=True)
class Line:
    """One line of the row's table: figures of a contender, one a column."""

    label: str
    contender: str
    figures: tuple[str, ...]


@dataclass(frozen=True)
class Claim:
    """A target: ``measured(rounds)`` must be ``at most`` or ``at least`` ``limit``."""

    work: str
    direction: Literal["at most", "at least"]
    limit: float
    measured: Callable[[Rounds], float]
    unit: str = ""

    def is_met(self, value: float) -> bool:
        """Return whether ``value`` reaches the target."""
        return value <= self.limit if self.direction == "at most" else value >= self.limit


@dataclass(frozen=True)
class Row:
    """One piece of work, measured by every contender in turn, round after round.

    Attributes:
        name: the word for ``--only``.
        title: its heading on the page.
        timed: what exactly is done and timed.
        contenders: who takes part, in the order in which each round runs them.
        columns: headings of the table's figures.
        lines: the table; every figure is the median over the rounds.
        base: whether to show each line's first figure as a ratio to the first line's.
        claims: the targets.
        most_rounds: rounds are cut to this number where each takes long.
        digits: significant digits of the table's figures below 100.
    """

    name: str
    title: str
    timed: str
    contenders: tuple[Contender, ...]
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    base: bool = True
    claims: tuple[Claim, ...] = ()
    most_rounds: int | None = None
    digits: int = 3

    def contender(self, name: str) -> Contender:
        """Return the contender called ``name``."""
        return next(one for one in self.contenders if one.name == name)
