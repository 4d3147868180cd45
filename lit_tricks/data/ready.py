"""The splits of a data set, with what every later stage must know of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from lit_tricks.data.masking import Region
from lit_tricks.data.normalise import How, Normaliser
from lit_tricks.data.source import Examples, Loaded, Source
from lit_tricks.data.spec import DataSpec


@dataclass(frozen=True)
class Ready:
    """Three splits, the facts about them and the normaliser with the statistics of the first."""

    spec: DataSpec
    normaliser: Normaliser
    train: Examples
    val: Examples
    test: Examples


def make_ready(
    source: Source,
    loaded: Loaded,
    splits: tuple[Examples, Examples, Examples],
    normalise: How,
    masked: Sequence[Region],
) -> Ready:
    """Describe training, validation and test split of what ``source`` loaded, and fit the normaliser.

    Raises ``UserError`` where a ``masked`` region is not in the image.
    """
    train, val, test = splits
    spec = DataSpec(
        name=source.name,
        kind=source.kind,
        input_shape=train.shape[1:],
        class_names=tuple(loaded.class_names),
        class_counts=tuple(torch.bincount(train.y, minlength=len(loaded.class_names)).tolist()),
        value_range=loaded.value_range,
        n_train=len(train),
        n_val=len(val),
        n_test=len(test),
        encoding=loaded.encoding,
    )
    normaliser = Normaliser.fit(train, normalise, spec.kind, spec.value_range)
    normaliser.mask(masked)
    return Ready(spec, normaliser, train, val, test)
