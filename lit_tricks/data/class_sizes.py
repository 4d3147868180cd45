"""The kinds of imbalance: relative sizes of classes."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from lit_tricks.data.imbalance import Imbalance, Splits
from lit_tricks.errors import UserError


class TwoClassShare(Imbalance):
    """Gives one of two classes a ``share`` in (0, 1) of all examples, as in the 90/10 of lecture IANN-7.

    ``rare`` is that class's number, 0 or 1, None for the one with fewer training examples, 1 where they are as many;
    ``splits`` as in ``Imbalance``. Raises ``UserError`` for values out of range and, with the data, for other than two
    classes.
    """

    def __init__(self, share: float = 0.1, rare: int | None = None, splits: Splits = "train") -> None:
        super().__init__(splits)
        if not 0 < share < 1:
            raise UserError(f"imbalance.share must lie in (0, 1); received {share}: try imbalance.share=0.1")
        if rare not in (None, 0, 1):
            raise UserError(f"imbalance.rare must be class 0 or 1; received {rare}: try imbalance.rare=null")
        self.share = share
        self.rare = rare

    def settled(self, available: np.ndarray) -> "TwoClassShare":
        """Return the same with ``rare`` stated."""
        rare = int(available[1:].sum() <= available[0]) if self.rare is None else self.rare
        return TwoClassShare(self.share, rare, self.splits)

    def shares(self, num_classes: int) -> np.ndarray:
        """Return ``share`` for the rare class and what is left of 1 for the other."""
        if num_classes != 2:
            raise UserError(
                f"imbalance=two_class needs two classes; the data has {num_classes}: "
                "try data.classes=[0,1], imbalance=step or imbalance=long_tail"
            )
        if self.rare is None:
            raise RuntimeError("the rare class is known with the data: call settled() first")
        return np.where(np.arange(2) == self.rare, self.share, 1 - self.share)


class OrderedImbalance(Imbalance):
    """An imbalance between a most frequent and a rarest class, ``factor`` times as rare.

    Args:
        factor: n_max / n_min, at least 1.
        order: the class numbers from the most frequent to the rarest; None is 0, 1, ….
        splits: as in ``Imbalance``.

    Raises ``UserError`` for a factor below 1 and, with the data, for an order that is no permutation of the classes.
    """

    def __init__(self, factor: float, order: Sequence[int] | None = None, splits: Splits = "train") -> None:
        super().__init__(splits)
        if not 1 <= factor < float("inf"):
            raise UserError(f"imbalance.factor must be at least 1; received {factor}: try imbalance.factor=10")
        self.factor = factor
        self.order = None if order is None else list(order)

    def shares(self, num_classes: int) -> np.ndarray:
        """Return the frequencies relative to that of the most frequent class."""
        order = list(range(num_classes)) if self.order is None else self.order
        if sorted(order) != list(range(num_classes)):
            raise UserError(
                f"imbalance.order must name each of the classes 0..{num_classes - 1} once, the most frequent first; "
                f"received {order}: try imbalance.order=null"
            )
        shares = np.empty(num_classes)
        shares[order] = self.by_rank(num_classes)
        return shares

    @abstractmethod
    def by_rank(self, num_classes: int) -> np.ndarray:
        """Return the falling frequencies from the most frequent class, 1, to the rarest, 1 / ``factor``."""


class LongTail(OrderedImbalance):
    """Exponentially falling class sizes, n_k = n_0 · factor^(-k / (K - 1)) (Cui et al. 2019, CIFAR-LT).

    ``factor`` is n_0 / n_{K-1}, 100 in most published tables.
    """

    def __init__(self, factor: float = 100.0, order: Sequence[int] | None = None, splits: Splits = "train") -> None:
        super().__init__(factor, order, splits)

    def by_rank(self, num_classes: int) -> np.ndarray:
        """Return factor^(-k / (K - 1)) for k = 0..K-1."""
        return self.factor ** -np.linspace(0, 1, num_classes)


class Step(OrderedImbalance):
    """Frequent classes of one size and rare ones ``factor`` times smaller (Buda et al. 2018, step imbalance).

    ``rare_classes`` is the share of classes that are rare, in (0, 1), at least one and not all; the last of ``order``.
    Raises ``UserError`` for another share.
    """

    def __init__(
        self,
        factor: float = 10.0,
        rare_classes: float = 0.5,
        order: Sequence[int] | None = None,
        splits: Splits = "train",
    ) -> None:
        super().__init__(factor, order, splits)
        if not 0 < rare_classes < 1:
            raise UserError(
                f"imbalance.rare_classes must be a share in (0, 1); received {rare_classes}: "
                "try imbalance.rare_classes=0.5"
            )
        self.rare_classes = rare_classes

    def by_rank(self, num_classes: int) -> np.ndarray:
        """Return 1 for the frequent classes and 1 / factor for the rare ones."""
        rare = min(max(round(self.rare_classes * num_classes), 1), num_classes - 1)
        return np.where(np.arange(num_classes) < num_classes - rare, 1.0, 1 / self.factor)


class ClassCounts(Imbalance):
    """Keeps a stated number of training examples of each class.

    Args:
        counts: one whole number of at least 1 for each class, in the classes' order; for other splits, which have
            fewer examples, they are frequencies.
        splits: as in ``Imbalance``.

    Raises ``UserError`` for other numbers and, with the data, where there are other classes or fewer examples.
    """

    def __init__(self, counts: Sequence[int], splits: Splits = "train") -> None:
        super().__init__(splits)
        if any(isinstance(count, bool) or not isinstance(count, int) or count < 1 for count in counts):
            raise UserError(
                f"imbalance.counts must be whole numbers of at least 1; received {list(counts)}: "
                "leave a class out with data.classes, where the data has it"
            )
        self.counts = list(counts)

    def shares(self, num_classes: int) -> np.ndarray:
        """Return the counts."""
        if len(self.counts) != num_classes:
            raise UserError(
                f"imbalance.counts must have one number per class; received {len(self.counts)} for {num_classes} "
                f"classes: try imbalance.counts=[{','.join(['100'] * num_classes)}]"
            )
        return np.array(self.counts, dtype=np.float64)

    def training_counts(self, available: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
        """Return the counts."""
        wanted = self.shares(len(available)).astype(np.int64)
        short = np.flatnonzero(wanted > available)
        if len(short):
            first = int(short[0])
            raise UserError(
                f"imbalance.counts may only thin a class; received {wanted[first]} for class {class_names[first]!r}, "
                f"which has {available[first]} training examples: try {available[first]} or less"
            )
        return wanted
