"""From the words of ``loss.class_weights`` to one weight per class."""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from lit_tricks.errors import UserError
from lit_tricks.functional.class_balance import WeightRule, class_weights, mean_one

Weights = WeightRule | Sequence[float]
Normalisation = Literal["training_set", "batch"]


def normalised_weights(
    num_classes: int,
    weights: Weights,
    beta: float,
    normalisation: Normalisation,
    counts: Sequence[int] | None,
) -> Tensor | None:
    """Return the weights (K,) ``float32``, of mean 1 over the training examples where counts are known; None for none.

    Arguments are those of ``Objective``. Raises ``UserError`` for values out of range, for the wrong number of weights,
    and for a class without training examples.
    """
    if normalisation not in get_args(Normalisation):
        raise UserError(
            f"loss.weight_normalisation must be training_set or batch; received {normalisation!r}: "
            "try loss.weight_normalisation=training_set"
        )
    if not 0 <= beta < 1:
        raise UserError(f"loss.beta must lie in [0, 1); received {beta}: try loss.beta=0.999")
    if isinstance(weights, str):
        if weights not in get_args(WeightRule):
            raise UserError(
                f"loss.class_weights must be one of {', '.join(get_args(WeightRule))}, or one number per class; "
                f"received {weights!r}: try loss.class_weights=inverse"
            )
        if weights == "none":
            return None
        known = checked_counts(num_classes, counts, f"loss.class_weights={weights}")
        found = class_weights(known, weights, beta)
        return mean_one(found, known).float()
    found = torch.tensor(_checked_list(num_classes, weights), dtype=torch.float64)
    if normalisation == "batch":
        return found.float()
    return mean_one(found, checked_counts(num_classes, counts, "loss.weight_normalisation=training_set")).float()


def checked_counts(num_classes: int, counts: Sequence[int] | None, what: str) -> Sequence[int]:
    """Return ``counts``; raise ``UserError`` that says ``what`` needs them unless there are K of at least 1."""
    if counts is None or len(counts) != num_classes:
        given = "none" if counts is None else f"{len(counts)}"
        raise UserError(
            f"{what} needs the training examples of each of {num_classes} classes; received {given}: "
            "try class_counts=[…], one number per class"
        )
    if min(counts) < 1:
        raise UserError(
            f"{what} needs training examples of every class; class {list(counts).index(min(counts))} has none: "
            "add some, or leave the class out"
        )
    return counts


def _checked_list(num_classes: int, weights: Sequence[float]) -> list[float]:
    given = list(weights)
    if len(given) != num_classes:
        raise UserError(
            f"loss.class_weights must have one number per class; received {len(given)} for {num_classes} classes: "
            f"try loss.class_weights=[{','.join(['1'] * num_classes)}]"
        )
    if not all(0 < weight < float("inf") for weight in given):
        raise UserError(
            f"loss.class_weights must be numbers greater than 0; received {given}: try loss.class_weights=inverse"
        )
    return given
