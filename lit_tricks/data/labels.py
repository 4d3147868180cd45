"""Label values, as files hold them, to class names and class indices."""

import math
from collections.abc import Sequence

import numpy as np

from lit_tricks.errors import UserError

SHOWN = 5


def listing(values: Sequence[object]) -> str:
    """Return the first few ``values`` for a message, with the number left out."""
    shown = ", ".join(str(value) for value in values[:SHOWN])
    return shown if len(values) <= SHOWN else f"{shown} and {len(values) - SHOWN} more"


def as_number(text: str) -> float | None:
    """Return the finite number that ``text`` spells, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def class_order(labels: np.ndarray) -> dict[str, str]:
    """Return every distinct label with its class name, in class order.

    ``labels`` is (N,) of strings. Labels that are all numbers sort by value, and spellings of one number
    (``1`` and ``1.0``) are one class under the shortest; other labels sort as strings.
    """
    spellings = sorted(set(labels.tolist()), key=lambda text: (len(text), text))
    numbers = {text: as_number(text) for text in spellings}
    if any(value is None for value in numbers.values()):
        return {text: text for text in sorted(spellings)}
    names: dict[float | None, str] = {}
    for text in spellings:
        names.setdefault(numbers[text], text)
    return {text: names[numbers[text]] for text in sorted(spellings, key=lambda text: numbers[text] or 0.0)}


def index_labels(
    labels: np.ndarray, where: str, remedy: str, rows: int | None = None
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return a mapping from label to class index, and the class names.

    ``labels`` is (N,) of strings, or holds the different ones of ``rows`` in all; ``where`` says what they are
    for a message (``column 'y' of a.csv``) and ``remedy`` what to try. Raises ``UserError`` for a single class
    and for labels that look like a quantity.
    """
    order = class_order(labels)
    names = tuple(dict.fromkeys(order.values()))
    rows = len(labels) if rows is None else rows
    if len(names) < 2:
        raise UserError(f"a classifier needs at least 2 classes; {where} holds only {listing(names)!r}: {remedy}")
    values = [as_number(name) for name in names]
    fractions = None not in values and any(not float(value or 0).is_integer() for value in values)
    if len(names) > max(2, rows / 2) or (fractions and len(names) > 20):
        raise UserError(
            f"labels must be classes; {where} holds {len(names)} different values in {rows} rows, "
            f"probably a number to predict (regression) or an identifier: {remedy}"
        )
    positions = {name: index for index, name in enumerate(names)}
    return {text: positions[name] for text, name in order.items()}, names


def apply_labels(labels: np.ndarray, where: str, indices: dict[str, int]) -> np.ndarray:
    """Return (N,) ``int64`` class indices; raises ``UserError`` for a label that training does not have."""
    by_number = {as_number(text): index for text, index in indices.items()}
    by_number.pop(None, None)
    found = {text: indices.get(text, by_number.get(as_number(text))) for text in set(labels.tolist())}
    unknown = sorted(text for text, index in found.items() if index is None)
    if unknown:
        raise UserError(
            f"test labels must occur among the training labels; {where} also holds {listing(unknown)}: "
            "correct the labels or leave those rows out"
        )
    return np.array([found[text] for text in labels.tolist()], dtype=np.int64)
