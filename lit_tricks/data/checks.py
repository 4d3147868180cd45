"""What data must satisfy before anything is trained on it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lit_tricks.data.source import Examples, Loaded
from lit_tricks.errors import UserError

_CHUNK_VALUES = 2**20


def check_labels(loaded: Loaded) -> None:
    """Raise ``UserError`` unless every split has examples with labels in range and two classes occur in training."""
    named = {"training": loaded.train} | ({"test": loaded.test} if loaded.test is not None else {})
    for split, examples in named.items():
        _check_split(examples, split, len(loaded.class_names))
    present = loaded.train.y.unique()
    if len(present) < 2:
        raise UserError(
            f"a classifier needs at least 2 classes in the training data; "
            f"received only {loaded.class_names[int(present[0])]!r}: add examples of another class"
        )


def check_inputs(examples: Examples, split: str, feature_names: Sequence[str] | None = None) -> None:
    """Raise ``UserError`` that counts and places NaN or infinite inputs of ``split``, if there are any."""
    if not examples.dtype.is_floating_point:
        return
    count, row = 0, 0
    first: list[int] | None = None
    for piece in examples.pieces(_CHUNK_VALUES):
        bad = ~piece.isfinite()
        found = int(bad.sum())
        if found and first is None:
            first = [int(i) for i in bad.nonzero()[0]]
            first[0] += row
        count += found
        row += len(piece)
    if first is None:
        return
    row, *inner = first
    place = f"position {tuple(inner)}"
    if len(inner) == 1:
        place = f"column {feature_names[inner[0]]!r}" if feature_names else f"column {inner[0]}"
    raise UserError(
        f"inputs must be finite; received {count} NaN or infinite {'value' if count == 1 else 'values'} in the "
        f"{split} data, the first in row {row}, {place}: remove or fill them"
    )


def check_every_class(labels: Tensor, class_names: Sequence[str]) -> None:
    """Raise ``UserError`` that names the classes without an example among the training ``labels``."""
    counts = torch.bincount(labels, minlength=len(class_names))
    absent = [class_names[k] for k in (counts == 0).nonzero().flatten().tolist()]
    if absent:
        raise UserError(
            f"every class needs a training example; {', '.join(map(repr, absent))} "
            f"{'has' if len(absent) == 1 else 'have'} none among {len(labels)}: "
            "try data.val_split=stratified, a larger data.train_size or fewer classes"
        )


def _check_split(examples: Examples, split: str, num_classes: int) -> None:
    x, y = examples.inputs, examples.labels
    if y.dtype != torch.int64 or y.ndim != 1:
        raise UserError(
            f"labels must be one int64 class index an example; received {y.dtype} of shape {tuple(y.shape)} "
            f"in the {split} data: convert them with labels.astype('int64')"
        )
    if len(x) != len(y):
        raise UserError(
            f"every input needs one label; received {len(x)} inputs and {len(y)} labels in the {split} data: "
            "write both from the same rows"
        )
    if not len(examples):
        raise UserError(f"the {split} data must not be empty; received 0 examples: add some")
    # of a store, only what is used must be a class
    low, high = int(examples.y.min()), int(examples.y.max())
    if low < 0 or high >= num_classes:
        raise UserError(
            f"labels must lie in 0..{num_classes - 1} for {num_classes} classes; received {low}..{high} "
            f"in the {split} data: number the classes from 0"
        )
