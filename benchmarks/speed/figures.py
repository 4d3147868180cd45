"""Medians, ratios within a round and growth, from the figures of many rounds."""

import math
import statistics
from collections.abc import Callable, Sequence

from benchmarks.speed.row import Rounds

Measured = Callable[[Rounds], float]


def values(rounds: Rounds, contender: str, figure: str) -> list[float | None]:
    """Return a contender's figure in every round, None where it failed or did not take part."""
    return [(one.get(contender) or {}).get(figure) for one in rounds]


def median(rounds: Rounds, contender: str, figure: str) -> float:
    """Return the median over the rounds that have the figure; ``ValueError`` when none has."""
    return _median([value for value in values(rounds, contender, figure) if value is not None])


def ratios(rounds: Rounds, above: tuple[str, str], below: tuple[str, str]) -> list[float]:
    """Return one (contender, figure) over another within each round that has both.

    Within a round, since a machine that slows down then slows both.
    """
    pairs = zip(values(rounds, *above), values(rounds, *below), strict=True)
    return [one / other for one, other in pairs if one is not None and other is not None]


def ratio(above: tuple[str, str], below: tuple[str, str]) -> Measured:
    """Return the function that takes the median of ``ratios``."""
    return lambda rounds: _median(ratios(rounds, above, below))


def middle(contender: str, figure: str) -> Measured:
    """Return the function that takes the median of a figure."""
    return lambda rounds: median(rounds, contender, figure)


def difference(above: tuple[str, str], below: tuple[str, str]) -> Measured:
    """Return the function that takes the median of one figure less another of the same round."""

    def measured(rounds: Rounds) -> float:
        pairs = zip(values(rounds, *above), values(rounds, *below), strict=True)
        return _median([one - other for one, other in pairs if one is not None and other is not None])

    return measured


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return the power of ``sizes`` by which ``seconds`` grow: the least-squares slope between their logarithms."""
    slope, _ = statistics.linear_regression([math.log(size) for size in sizes], [math.log(one) for one in seconds])
    return slope


def _median(found: list[float]) -> float:
    if not found:
        raise ValueError("no round has this figure")
    return statistics.median(found)
