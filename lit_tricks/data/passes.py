"""Examples drawn class by class, in whole passes through each class."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed


def class_pools(labels: Tensor, sampler: str) -> list[Tensor]:
    """Return the positions of each class 0..K-1 in ``labels`` (N,), int64.

    Raises ``UserError`` that names the ``sampler``'s word when there is one class alone, or a class below the largest
    label has no example.
    """
    pools = [torch.nonzero(labels == label).flatten() for label in range(int(labels.max()) + 1)]
    for label, pool in enumerate(pools):
        if not len(pool):
            raise UserError(
                f"sampler={sampler} needs an example of every class; class {label} has none: try data.train_size=null"
            )
    if len(pools) < 2:
        raise UserError(
            f"sampler={sampler} needs two classes or more; all {len(labels)} examples are of class 0: "
            "try sampler=shuffle, or data with another class"
        )
    return pools


def stretch(pool: Tensor, start: int, length: int, seed: int, *words: str | int) -> Tensor:
    """Return ``length`` entries from ``start`` on of the endless sequence of passes through ``pool``.

    A pass is every entry once, in a random order of its own that ``seed``, ``words`` and the pass's number give.
    """
    first, last = start // len(pool), (start + length - 1) // len(pool)
    passes = []
    for number in range(first, last + 1):
        generator = torch.Generator().manual_seed(derive_seed(seed, *words, number))
        passes.append(pool[torch.randperm(len(pool), generator=generator)])
    return torch.cat(passes)[start - first * len(pool) :][:length] if passes else pool[:0]


def filled(classes: Tensor, drawn: Sequence[Tensor]) -> Tensor:
    """Return positions for a sequence of ``classes`` (N,): the i-th of class k is the i-th of ``drawn[k]``."""
    order = torch.empty_like(classes)
    order[torch.argsort(classes, stable=True)] = torch.cat(list(drawn))
    return order
