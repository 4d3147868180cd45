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

    def settled(self, available: np.ndarray) -> "Imbalance":
        """Return the imbalance for training classes of these sizes, (K,): itself unless it depends on them."""
        return self

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


def apply_imbalance(imbalance: Imbalance | None, loaded: Loaded, rows: Rows, seed: int) -> tuple[Loaded, Rows]:
    """Return what ``imbalance``, None for none, leaves of the training, validation and test ``rows`` of the examples.

    An official test split is thinned within the returned ``Loaded``. Test examples are the same for every seed. Raises
    ``UserError`` where the source has thinned a class itself, and as ``Imbalance.thinned``.
    """
    if imbalance is None:
        return loaded, rows
    if loaded.thinned_by is not None:
        raise UserError(
            f"classes are thinned once; {loaded.thinned_by} has done so before imbalance could: "
            f"try {loaded.thinned_by.partition('=')[0]}=null or imbalance=none"
        )
    imbalance = imbalance.settled(np.bincount(loaded.train.y.numpy()[rows[0]], minlength=len(loaded.class_names)))
    labels, names, every = loaded.train.y.numpy(), loaded.class_names, imbalance.splits == "all"
    thinned = []
    for split, of_split, split_seed in zip(("train", "val", "test"), rows, (seed, seed, 0), strict=True):
        if len(of_split) and (split == "train" or every):
            stays = imbalance.thinned(labels[of_split], names, derive_seed(split_seed, "imbalance", split), split)
            of_split = of_split[stays]
        thinned.append(of_split)
    if loaded.test is not None and every:
        stays = imbalance.thinned(loaded.test.y.numpy(), names, derive_seed(0, "imbalance", "test"), "test")
        loaded = replace(loaded, test=loaded.test.take(stays))
    train, val, test = thinned
    return loaded, (train, val, test)


def _largest(available: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the largest counts with these frequencies that are ``available``, each rounded down."""
    return np.floor((available / shares).min() * shares + _ROUNDING).astype(np.int64)
