"""Some classes, or some rows, of a data set as a data set of their own."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from lit_tricks.data.source import Examples, Loaded
from lit_tricks.errors import UserError


def checked_classes(classes: Sequence[int], available: int) -> list[int]:
    """Return ``classes`` as a list; raise ``UserError`` unless they are two or more different numbers below that."""
    chosen = list(classes)
    if len(chosen) < 2 or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(available)):
        raise UserError(
            f"data.classes must be at least two different numbers from 0 to {available - 1}; received {chosen}: "
            "try data.classes=[0,1]"
        )
    return chosen


def select_classes(loaded: Loaded, classes: Sequence[int] | None) -> Loaded:
    """Return the examples of ``classes`` alone, which become classes 0, 1, … in that order; None keeps all.

    Inputs are not copied.
    """
    if classes is None:
        return loaded
    order = torch.full((len(loaded.class_names),), -1)
    order[list(classes)] = torch.arange(len(classes))
    return replace(
        loaded,
        train=_selected(loaded.train, order),
        test=None if loaded.test is None else _selected(loaded.test, order),
        class_names=tuple(loaded.class_names[each] for each in classes),
    )


def _selected(examples: Examples, order: torch.Tensor) -> Examples:
    kept = (order[examples.y] >= 0).nonzero().squeeze(1)
    return replace(examples.take(kept.numpy()), labels=order[examples.labels])


def take_rows(examples: Examples, rows: np.ndarray) -> Examples:
    """Return a view of the sorted distinct ``rows``, or the examples as they are when that is all of them."""
    return examples if len(rows) == len(examples) else examples.take(rows)
