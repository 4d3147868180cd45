"""imbalanced-learn's samplers that look at the inputs, to make new examples or to choose among them."""

import logging
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from lit_tricks.data.digests import row_digests
from lit_tricks.data.feature_matrix import FeatureMatrix, category_blocks
from lit_tricks.data.files import check_bytes
from lit_tricks.data.passes import class_pools
from lit_tricks.data.ready import Ready
from lit_tricks.data.samplers import Sampler
from lit_tricks.data.source import Examples
from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed

log = logging.getLogger("lit_tricks")


@dataclass(frozen=True)
class Resampled:
    """What a resampler left.

    Attributes:
        examples: the whole training split, then the synthetic examples.
        positions: (M,) ``int64``, which of those an epoch visits.
    """

    examples: Examples
    positions: Tensor


class InputResamplingSampler(Sampler):
    """Visits in a random order what a sampler of imbalanced-learn makes of the training split, once per run.

    The data module shows it the training split alone, flattened and normalised by statistics that come from real
    examples (``FeatureMatrix``), and hands the result back with ``take``; real examples stay bit for bit what they
    were, evaluation never sees others. What is drawn depends on the seed alone, so a resumed run has the same.

    Args:
        labels, batch_size, seed: as in ``Sampler``.
        resampler: any of imbalanced-learn's samplers, whose own ``random_state`` is replaced. Plain ``SMOTE`` becomes
            ``SMOTENC`` where a table has categorical columns.

    Raises ``UserError`` for anything else.
    """

    rebalances: tuple[str, ...] = ("sampler=smote",)

    def __init__(self, labels: Tensor, batch_size: int = 32, seed: int = 0, *, resampler: Any) -> None:
        super().__init__(labels, batch_size, seed)
        class_pools(labels, "smote")
        # it brings scikit-learn along, which runs with other samplers need not wait for
        from imblearn.base import BaseSampler

        if not isinstance(resampler, BaseSampler):
            raise UserError(
                f"sampler.resampler must be a sampler of imbalanced-learn; received {type(resampler).__name__}: "
                "try sampler=smote"
            )
        self._resampler = resampler
        self._positions: Tensor | None = None

    def resampled(self, data: Ready) -> Resampled:
        """Return what the resampler makes of the training split of ``data``, and say in the log what it cost.

        Raises ``UserError`` for what it cannot do, and for interpolated categories.
        """
        began = time.perf_counter()
        labels = data.train.y.numpy()
        blocks = category_blocks(data)
        resampler = self._fitting(len(blocks), data.spec.num_features > sum(map(len, blocks)))
        coded = type(resampler).__name__ == "SMOTENC"
        _check_neighbours(resampler, labels, data.spec.class_names)
        matrix = FeatureMatrix(data, coded)
        if coded:
            resampler.set_params(categorical_features=matrix.categorical)
        try:
            rows, classes = resampler.fit_resample(matrix.rows, labels)
        except (ValueError, RuntimeError) as error:
            raise UserError(
                f"{type(resampler).__name__} must be able to resample the training split; it said: {error}: "
                "check sampler.resampler"
            ) from error
        # whatever the sampler, rows that are an example's very bytes are that example
        known = dict(zip(zip(labels.tolist(), row_digests(matrix.rows), strict=True), range(len(labels)), strict=True))
        found = zip(classes.tolist(), row_digests(rows.astype(np.float32, copy=False)), strict=True)
        positions = np.array([known.get(key, -1) for key in found], dtype=np.int64)
        new = positions < 0
        if new.any() and blocks and not coded:
            raise UserError(
                f"new examples must have categories of the data; {type(resampler).__name__} would interpolate "
                f"{len(blocks)} categorical columns: try sampler.resampler._target_=imblearn.over_sampling.SMOTE"
            )
        positions[new] = len(labels) + np.arange(new.sum())
        made = matrix.inputs(rows[new])
        _say(resampler, data, int(new.sum()), len(labels) - len(np.unique(positions[~new])), began)
        return Resampled(_extended(data.train, made, classes[new]), torch.from_numpy(positions))

    def take(self, resampled: Resampled) -> None:
        """Visit the positions of ``resampled`` from now on."""
        self._positions = resampled.positions

    def _visited(self) -> Tensor:
        if self._positions is None:
            raise RuntimeError(f"{type(self).__name__} has no examples yet: call take() first, as the data module does")
        return self._positions

    def __len__(self) -> int:
        return len(self._visited())

    def order(self, epoch: int) -> Tensor:
        """Return the resampled positions, shuffled."""
        positions = self._visited()
        return positions[torch.randperm(len(positions), generator=self.generator(epoch))]

    def _fitting(self, categorical: int, has_numbers: bool) -> Any:
        """Return a copy of the resampler for this run: one for mixed columns where they are ``categorical``."""
        from imblearn.over_sampling import SMOTE, SMOTENC
        from sklearn.base import clone

        state = np.random.RandomState(np.random.MT19937(derive_seed(self.seed, "resampling")))
        resampler = clone(self._resampler)
        if type(resampler) is SMOTE and categorical:
            if not has_numbers:
                raise UserError("SMOTE needs a numeric column; all of these are categorical: try sampler=oversample")
            resampler = SMOTENC(
                categorical_features=[],
                sampling_strategy=resampler.sampling_strategy,
                k_neighbors=resampler.k_neighbors,
            )
        return resampler.set_params(random_state=state) if "random_state" in resampler.get_params() else resampler


class CleaningSampler(InputResamplingSampler):
    """Leaves training examples out that stand among those of other classes; it makes none and balances nothing.

    Arguments as in ``InputResamplingSampler``; ``resampler`` is one of imbalanced-learn's cleaning samplers, such as
    ``TomekLinks``, ``EditedNearestNeighbours`` or ``NeighbourhoodCleaningRule``. Raises ``UserError`` for another.
    """

    rebalances = ()

    def __init__(self, labels: Tensor, batch_size: int = 32, seed: int = 0, *, resampler: Any) -> None:
        super().__init__(labels, batch_size, seed, resampler=resampler)
        if getattr(resampler, "_sampling_type", None) != "clean-sampling":
            raise UserError(
                f"sampler.resampler must be a cleaning sampler; received {type(resampler).__name__}: try sampler=smote "
                f"sampler.resampler._target_={type(resampler).__module__.rpartition('.')[0]}.{type(resampler).__name__}"
            )


def _check_neighbours(resampler: Any, labels: np.ndarray, class_names: tuple[str, ...]) -> None:
    """Refuse more neighbours than a class that is to grow has examples beside each."""
    from imblearn.utils import check_sampling_strategy

    knob = next((name for name in ("k_neighbors", "n_neighbors") if hasattr(resampler, name)), None)
    neighbours = getattr(resampler, knob) if knob else None
    if resampler._sampling_type != "over-sampling" or not isinstance(neighbours, int):
        return
    try:
        wanted = check_sampling_strategy(resampler.sampling_strategy, labels, "over-sampling")
    except ValueError as error:
        raise UserError(
            f"sampler.resampler.sampling_strategy must fit the classes; imbalanced-learn said: {error}: "
            "try sampler.resampler.sampling_strategy=auto"
        ) from error
    counts = np.bincount(labels, minlength=len(class_names))
    rarest = min((label for label, count in wanted.items() if count), key=lambda label: counts[label], default=None)
    if rarest is not None and counts[rarest] <= neighbours:
        remedy = (
            f"sampler.resampler.{knob}={counts[rarest] - 1} or less" if counts[rarest] > 1 else "sampler=oversample"
        )
        raise UserError(
            f"{type(resampler).__name__} with {knob}={neighbours} needs {neighbours + 1} training examples of each "
            f"class that it enlarges; class {class_names[rarest]!r} has {counts[rarest]}: try {remedy}"
        )


def _extended(train: Examples, made: Tensor, labels: np.ndarray) -> Examples:
    """Return the training examples with the new ones behind them; without new ones nothing is copied."""
    if not len(made):
        return train
    total = (len(train) + len(made)) * made[0].numel() * made.dtype.itemsize
    check_bytes(total, "the training split with its synthetic examples", "try sampler=oversample, which copies nothing")
    return Examples(torch.cat([train.x, made]), torch.cat([train.y, torch.from_numpy(labels)]))


@rank_zero_only
def _say(resampler: Any, data: Ready, made: int, left_out: int, began: float) -> None:
    what = "pixels, flattened" if data.spec.kind == "image" else "features"
    log.info(
        "%s: %s synthetic examples beside %s real ones, %s left out, in %.2f s on %s %s, once for the run%s",
        type(resampler).__name__,
        f"{made:,}",
        f"{len(data.train):,}",
        f"{left_out:,}",
        time.perf_counter() - began,
        f"{data.spec.num_features:,}",
        what,
        "; a blend of two images is seldom an image" if made and data.spec.kind == "image" else "",
    )
