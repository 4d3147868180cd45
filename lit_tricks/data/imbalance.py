"""Data made imbalanced: which examples of a split stay."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from lit_tricks.data.source import Loaded
from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed

Splits = Literal["train", "all"]
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]

# keeps 5000 · 0.01 from becoming 49
_ROUNDING = 1e-9


class Imbalance(ABC):
    """Thins the classes of a data set to stated frequencies; a subclass writes ``shares`` and nothing else.

    What is left is the largest set with those frequencies, each class rounded down, as the published long-tailed
    data sets are. Nothing is repeated. Which examples go is drawn by imbalanced-learn's ``make_imbalance``.

    Args:
        splits: ``train`` leaves validation and test as they are; ``all`` thins each of them in the same way, so that
            their class shares are those of training.

    Raises ``UserError`` for another word.
    """

    def __init__(self, splits: Splits = "train") -> None:
        if splits not in get_args(Splits):
            raise UserError(f"imbalance.splits must be train or all; received {splits!r}: try imbalance.splits=train")
        self.splits = splits

    @abstractmethod
    def shares(self, num_classes: int) -> np.ndarray:
        """Return the classes' frequencies relative to each other, (K,) ``float64`` above 0."""

    def training_counts(self, available: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
        """Return how many examples of each class to keep for training, (K,), of those ``available``, (K,).

        Raises ``UserError`` when a class would keep none.
        """
        shares = self.shares(len(available))
        counts = _largest(available, shares)
        if not counts.all():
            rarest = int(shares.argmin())
            raise UserError(
                f"every class must keep a training example; class {class_names[rarest]!r} would keep none of "
                f"{available[rarest]} beside {counts.max()} of the most frequent class: "
                "try a weaker imbalance, another imbalance.order, or more data"
            )
        return counts

    def thinned(self, labels: np.ndarray, class_names: Sequence[str], seed: int, split: str) -> np.ndarray:
        """Return the sorted positions in ``labels`` (N,) that stay.

        Raises ``UserError`` when a class has no example in this split, and as ``training_counts``.
        """
        available = np.bincount(labels, minlength=len(class_names))
        if not available.all():
            raise UserError(
                f"an imbalance needs examples of every class; class {class_names[int(available.argmin())]!r} has none "
                f"in the {split} split: try imbalance.splits=train or data.val_split=stratified"
            )
        if split == "train":
            counts = self.training_counts(available, class_names)
        else:
            # an evaluation without a class would say nothing about it
            counts = np.maximum(_largest(available, self.shares(len(class_names))), 1)
        # imbalanced-learn brings much of scikit-learn along, which runs without imbalance need not wait for
        from imblearn.datasets import make_imbalance

        kept, _ = make_imbalance(
            np.arange(len(labels))[:, None],
            labels,
            sampling_strategy=dict(enumerate(counts.tolist())),
            random_state=np.random.RandomState(np.random.MT19937(seed)),
        )
        return np.sort(kept[:, 0])

    def apply(self, loaded: Loaded, rows: Rows, seed: int) -> tuple[Loaded, Rows]:
        """Return what is left of the training, validation and test ``rows`` of ``loaded.train``.

        An official test split is thinned within the returned ``Loaded``. Test examples are the same for every seed.
        """
        labels, names = loaded.train.y.numpy(), loaded.class_names
        thinned = []
        for split, of_split, split_seed in zip(("train", "val", "test"), rows, (seed, seed, 0), strict=True):
            if len(of_split) and (split == "train" or self.splits == "all"):
                stays = self.thinned(labels[of_split], names, derive_seed(split_seed, "imbalance", split), split)
                of_split = of_split[stays]
            thinned.append(of_split)
        if loaded.test is not None and self.splits == "all":
            stays = self.thinned(loaded.test.y.numpy(), names, derive_seed(0, "imbalance", "test"), "test")
            loaded = replace(loaded, test=loaded.test.take(stays))
        train, val, test = thinned
        return loaded, (train, val, test)


class TwoClassShare(Imbalance):
    """Gives one of two classes a ``share`` in (0, 1) of all examples, as in the 90/10 of lecture IANN-7.

    ``rare`` is that class's number, 0 or 1; ``splits`` as in ``Imbalance``. Raises ``UserError`` for values out of
    range and, with the data, for other than two classes.
    """

    def __init__(self, share: float = 0.1, rare: int = 1, splits: Splits = "train") -> None:
        super().__init__(splits)
        if not 0 < share < 1:
            raise UserError(f"imbalance.share must lie in (0, 1); received {share}: try imbalance.share=0.1")
        if rare not in (0, 1):
            raise UserError(f"imbalance.rare must be class 0 or 1; received {rare}: try imbalance.rare=1")
        self.share = share
        self.rare = rare

    def shares(self, num_classes: int) -> np.ndarray:
        """Return ``share`` for the rare class and what is left of 1 for the other."""
        if num_classes != 2:
            raise UserError(
                f"imbalance=two_class needs two classes; the data has {num_classes}: "
                "try data.classes=[0,1], imbalance=step or imbalance=long_tail"
            )
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


def _largest(available: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the largest counts with these frequencies that are ``available``, each rounded down."""
    return np.floor((available / shares).min() * shares + _ROUNDING).astype(np.int64)
