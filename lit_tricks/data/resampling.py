"""imbalanced-learn's samplers as the order of an epoch."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lit_tricks.data.passes import class_pools
from lit_tricks.data.samplers import Sampler
from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed

_WORDS = {"over-sampling": "sampler=oversample", "under-sampling": "sampler=undersample"}


class ResamplingSampler(Sampler):
    """Visits in a random order what a sampler of imbalanced-learn selects, selected anew in every epoch.

    Positions alone are resampled, so that images are neither flattened nor copied. That takes a sampler that draws
    blindly: ``RandomOverSampler`` without ``shrinkage``, or ``RandomUnderSampler``; one that looks at the inputs, to
    make new ones or to choose among them, belongs to ``InputResamplingSampler``.

    Args:
        labels, batch_size, seed: as in ``Sampler``.
        resampler: the sampler, whose own ``random_state`` is replaced by one for the epoch.

    Raises ``UserError`` for another sampler, and for what imbalanced-learn cannot do with these labels.
    """

    def __init__(self, labels: Tensor, batch_size: int = 32, seed: int = 0, *, resampler: Any) -> None:
        super().__init__(labels, batch_size, seed)
        class_pools(labels, "oversample or undersample")
        self._resampler = _checked(resampler)
        self.rebalances = (_WORDS[resampler._sampling_type],)
        self._length = len(self._selected(0))

    def __len__(self) -> int:
        return self._length

    def order(self, epoch: int) -> Tensor:
        """Return the positions that are selected for ``epoch``, shuffled."""
        selected = self._selected(epoch)
        return selected[torch.randperm(len(selected), generator=self.generator(epoch))]

    def _selected(self, epoch: int) -> Tensor:
        from sklearn.base import clone

        state = np.random.RandomState(np.random.MT19937(derive_seed(self.seed, "resampling", epoch)))
        resampler = clone(self._resampler).set_params(random_state=state)
        try:
            resampler.fit_resample(np.arange(len(self.labels))[:, None], self.labels.numpy())
        except ValueError as error:
            raise UserError(
                f"{type(resampler).__name__} must be able to resample the training labels; it said: {error}: "
                "check sampler.resampler.sampling_strategy"
            ) from error
        return torch.from_numpy(resampler.sample_indices_.astype(np.int64))


def _checked(resampler: Any) -> Any:
    """Return the sampler when it draws blindly and says which examples."""
    # it brings scikit-learn along, which runs with other samplers need not wait for
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    name = type(resampler).__name__
    if not isinstance(resampler, RandomOverSampler | RandomUnderSampler):
        raise UserError(
            f"sampler.resampler must choose among the training examples by their labels alone; received {name}: try "
            "sampler=smote, whose resampler may look at the inputs"
        )
    if getattr(resampler, "shrinkage", None) is not None:
        raise UserError(
            f"sampler.resampler must choose among the training examples; {name} makes new ones with "
            f"shrinkage={resampler.shrinkage}: leave sampler.resampler.shrinkage out"
        )
    return resampler
