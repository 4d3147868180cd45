"""The nearest match to a mistyped name."""

from collections.abc import Iterable
from difflib import SequenceMatcher

LIKE = 0.6


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that resembles ``name`` most, the first in the alphabet of equals, None when none does.

    A dotted name only resembles dotted ones. A name without dots is also held against the last part of each dotted
    one: ``lr`` finds ``optimizer.lr``.
    """
    best, best_likeness = None, LIKE
    for candidate in sorted(set(known)):
        if "." in name:
            likeness = _likeness(name, candidate) if "." in candidate else 0.0
        else:
            ending = candidate.rpartition(".")[2]
            likeness = max(_likeness(name, candidate), _likeness(name, ending))
            # a name inside a longer one counts as near: epochs, max_epochs
            if len(name) > 3 and name in ending:
                likeness = max(likeness, 0.7)
        if likeness > best_likeness or (best is None and likeness == LIKE):
            best, best_likeness = candidate, likeness
    return best


def did_you_mean(name: str, known: Iterable[str], prefix: str = "", suffix: str = "") -> str:
    """Return ``: did you mean …?`` with the nearest match, or nothing."""
    match = nearest(name, known)
    return f": did you mean {prefix}{match}{suffix}?" if match else ""


def _likeness(name: str, other: str) -> float:
    return SequenceMatcher(None, name, other).ratio()
