"""Which rows train, validate and test: pure functions from labels to sorted row numbers."""

from collections.abc import Sequence

import numpy as np

from lit_tricks.errors import UserError


def rows_of(size: int | float, total: int, word: str) -> int:
    """Return how many of ``total`` rows ``size`` means.

    An integer is a number of rows in [0, total), a float a fraction in [0, 1), rounded to the nearest row.
    ``word`` names the knob (``val_size``) in the ``UserError`` raised for any other value, and for a fraction
    above 0 that rounds to no row or to all of them.
    """
    if isinstance(size, bool) or not isinstance(size, int | float):
        raise UserError(f"data.{word} must be a number; received {size!r}: try data.{word}=0.2")
    if isinstance(size, float) and not 0 <= size < 1:
        raise UserError(
            f"data.{word} must be a fraction in [0, 1) or a whole number of rows; received {size}: "
            f"try data.{word}=0.2 or data.{word}=100"
        )
    rows = size if isinstance(size, int) else round(size * total)
    if not 0 <= rows < total:
        raise UserError(
            f"data.{word} must leave some of the {total} available rows over; received {size}: try data.{word}=0.2"
        )
    if size and not rows:
        raise UserError(f"data.{word}={size} of {total} rows is an empty split: try data.{word}=1 or more rows")
    return rows


def first_split(total: int, size: int | float, word: str) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(rest, picked)``, where ``picked`` is the first ``size`` of ``total`` rows; see ``rows_of``."""
    rows = rows_of(size, total, word)
    return np.arange(rows, total), np.arange(rows)


def stratified_split(labels: np.ndarray, size: int | float, seed: int, word: str) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(rest, picked)``, where ``picked`` holds exactly ``size`` rows in the proportions of the classes.

    Proportions are kept by largest remainder; ties go to the lower class. Every class stays in ``rest``, and
    every class with two rows or more is picked from when there are as many rows to pick as such classes.

    Args:
        labels: (N,) class indices from 0.
        size: rows or fraction to pick, see ``rows_of``.
        seed: seed of the draw, at least 0.
        word: name of the knob that ``size`` comes from.

    Raises ``UserError`` for a size out of range or one that would take some class's last row.
    """
    rows = rows_of(size, len(labels), word)
    counts = np.bincount(labels)
    most = np.maximum(counts - 1, 0)
    if rows > most.sum():
        raise UserError(
            f"data.{word} must leave one row of every class over, so at most {most.sum()} of {len(labels)} rows; "
            f"received {size}: try data.{word}={max(most.sum() // 2, 0)}"
        )
    picked = _draw(labels, _quotas(counts, rows, most), seed)
    return _others(picked, len(labels)), picked


def stratified_subset(labels: np.ndarray, size: int | float, seed: int, word: str = "train_size") -> np.ndarray:
    """Return exactly ``size`` sorted rows in the proportions of the classes, with every class where that is possible.

    Arguments and errors are those of ``stratified_split``; in addition all rows may be asked for, none may not.
    """
    rows, counts = _subset_rows(size, len(labels), word), np.bincount(labels)
    return np.arange(rows) if rows == len(labels) else _draw(labels, _quotas(counts, rows, counts), seed)


def first_subset(total: int, size: int | float, word: str = "train_size") -> np.ndarray:
    """Return the first ``size`` of ``total`` rows; arguments and errors are those of ``stratified_subset``."""
    return np.arange(_subset_rows(size, total, word))


def stratified_fold(
    labels: np.ndarray, folds: int, fold: int, seed: int, class_names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(rest, picked)``, where ``picked`` is fold number ``fold`` of a stratified partition into ``folds``.

    The partition depends on ``labels``, ``folds`` and ``seed`` only, so the folds are disjoint and together hold
    every row. Fold sizes, and the folds' shares of each class, differ by at most one row: shuffled rows are
    dealt out class by class, as scikit-learn's ``StratifiedKFold`` deals them.

    Raises ``UserError`` unless 2 ≤ ``folds``, 0 ≤ ``fold`` < ``folds`` and every class that occurs has at least
    ``folds`` rows.
    """
    check_fold(folds, fold)
    counts = np.bincount(labels, minlength=len(class_names))
    short = np.flatnonzero((counts > 0) & (counts < folds))
    if len(short):
        name, count = class_names[short[0]], counts[short[0]]
        raise UserError(
            f"every class needs at least data.folds={folds} rows; class {name!r} has {count}: "
            f"{f'try data.folds={count}' if count > 1 else 'try data.folds=null'}"
        )
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    dealt = shuffled[np.argsort(labels[shuffled], kind="stable")]
    picked = np.sort(dealt[fold::folds])
    return _others(picked, len(labels)), picked


def check_fold(folds: int, fold: int) -> None:
    """Raise ``UserError`` unless 2 ≤ ``folds`` and 0 ≤ ``fold`` < ``folds``."""
    if folds < 2:
        raise UserError(f"data.folds must be at least 2; received {folds}: try data.folds=5 or data.folds=null")
    if not 0 <= fold < folds:
        raise UserError(
            f"data.fold must lie in 0..{folds - 1} for data.folds={folds}; received {fold}: try data.fold=0"
        )


def _subset_rows(size: int | float, total: int, word: str) -> int:
    if not size:
        raise UserError(f"data.{word} must be greater than 0; received {size}: try data.{word}=null for all rows")
    if isinstance(size, int) and size > total:
        raise UserError(
            f"data.{word} must be at most the {total} training rows; received {size}: try data.{word}=null for all rows"
        )
    return total if isinstance(size, int) and size == total else rows_of(size, total, word)


def _others(picked: np.ndarray, total: int) -> np.ndarray:
    """Return the sorted rows of ``total`` that are not ``picked``."""
    left = np.ones(total, dtype=bool)
    left[picked] = False
    return np.flatnonzero(left)


def _quotas(counts: np.ndarray, rows: int, most: np.ndarray) -> np.ndarray:
    """Share ``rows`` out over the classes by largest remainder, at most ``most`` and if possible at least one each."""
    exact = counts * (rows / counts.sum())
    least = np.minimum(most, 1)
    if least.sum() > rows:
        least = np.zeros_like(least)
    quotas = np.clip(np.floor(exact).astype(np.int64), least, most)
    while quotas.sum() < rows:
        quotas[np.argmax(np.where(quotas < most, exact - quotas, -np.inf))] += 1
    while quotas.sum() > rows:
        quotas[np.argmax(np.where(quotas > least, quotas - exact, -np.inf))] -= 1
    return quotas


def _draw(labels: np.ndarray, quotas: np.ndarray, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(np.flatnonzero(labels == k))[:quota] for k, quota in enumerate(quotas)]
    return np.sort(np.concatenate(drawn))
