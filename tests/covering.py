"""Rows of words in which every pair stands together at least once."""

from collections.abc import Iterable, Set
from itertools import combinations

import numpy as np

Word = tuple[str, str]
Pair = frozenset[Word]

# more would hide one trick behind another
MOST_OVERLAYS = 8


def covering_rows(words: Iterable[Word], apart: Set[Pair], seed: int = 0) -> list[list[Word]]:
    """Return rows that hold every pair of words but those of one group and those kept ``apart``.

    Args:
        words: group and name. A row has one word of a group at most, of ``experiment`` up to eight.
        apart: pairs that no row may hold.
        seed: of the order in which equally good words are tried.
    """
    random = np.random.default_rng(seed)
    everything = list(words)
    missing = {frozenset(pair) for pair in combinations(everything, 2) if _together(*pair)} - apart
    rows = []
    while missing:
        row = sorted(min(missing, key=sorted))
        while True:
            fits = [word for word in everything if _fits(word, row, apart)]
            gains = [sum(frozenset((word, other)) in missing for other in row) for word in fits]
            if not gains or not max(gains):
                break
            best = [word for word, gain in zip(fits, gains, strict=True) if gain == max(gains)]
            row.append(best[random.integers(len(best))])
        missing -= {frozenset(pair) for pair in combinations(row, 2)}
        rows.append(row)
    return rows


def _together(one: Word, other: Word) -> bool:
    return one != other and (one[0] != other[0] or one[0] == "experiment")


def _fits(word: Word, row: list[Word], apart: Set[Pair]) -> bool:
    if word[0] == "experiment" and sum(group == "experiment" for group, _ in row) >= MOST_OVERLAYS:
        return False
    return all(_together(word, other) and frozenset((word, other)) not in apart for other in row)
