"""Several processes and torch's weighted sampler, which cannot always be shared out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import WeightedRandomSampler

from lit_tricks.errors import UserError


class WeightedSamplingCheck(pl.Callback):
    """Refuses, before the first step, a ``WeightedRandomSampler`` that several processes would not follow.

    It needs nothing else of this package. Under more than one process the training loaders are asked for once more
    than without it; a single process pays nothing.
    """

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the loaders before Lightning replaces their samplers; raises as ``check_weighted_sampling``."""
        if trainer.world_size > 1:
            # Lightning keeps here what the module, the data module or the caller of fit gives
            loaders: Any = trainer.fit_loop._data_source.dataloader()
            shares: bool = trainer._accelerator_connector.use_distributed_sampler
            check_weighted_sampling(loaders, trainer.world_size, shares)


def check_weighted_sampling(loaders: Any, processes: int, use_distributed_sampler: bool = True) -> None:
    """Raise ``UserError`` where ``processes`` would not share out what a ``WeightedRandomSampler`` draws.

    ``DataLoader(sampler=WeightedRandomSampler(...))`` is shared out while ``use_distributed_sampler``, Lightning's
    option, is on: every process gets its part of the draws. Not so

    - within a batch sampler: Lightning replaces a plain ``BatchSampler`` by batches of one in the data's own shares,
      without a word, and builds any other kind around a sampler that has no weights;
    - with the option off: each process draws a whole epoch of its own.

    Args:
        loaders: a ``DataLoader``, or any nesting of lists and mappings of them; what else it holds is passed over.
        processes: how many train together.
        use_distributed_sampler: as the ``Trainer`` was told.
    """
    if processes < 2:
        return
    for loader in _flat(loaders):
        batches = getattr(loader, "batch_sampler", None)
        # a loader that was given a batch sampler of its own has no batch size
        given = batches is not None and getattr(loader, "batch_size", None) is None
        weighted = _innermost(batches if given else getattr(loader, "sampler", None))
        if not isinstance(weighted, WeightedRandomSampler) or (use_distributed_sampler and not given):
            continue
        around = f"a {type(batches).__name__} around it cannot be shared out" if given else "each would draw all of it"
        remedy = (
            "give DataLoader sampler= and batch_size= instead of batch_sampler=, with use_distributed_sampler=True"
            if given
            else "try Trainer(use_distributed_sampler=True)"
        )
        raise UserError(
            f"{processes} processes must share what a WeightedRandomSampler draws; {around}: {remedy}, or let "
            "lit_tricks.data.BatchLoader with a lit_tricks sampler share its own batches out"
        )


def _flat(loaders: Any) -> Iterator[Any]:
    if isinstance(loaders, Mapping):
        loaders = list(loaders.values())
    if not isinstance(loaders, Sequence):
        yield loaders
        return
    for loader in loaders:
        yield from _flat(loader)


def _innermost(sampler: Any) -> Any:
    seen: list[Any] = []
    # a batch sampler may name itself, for Lightning to set the epoch on
    while hasattr(sampler, "sampler") and not any(sampler is one for one in seen):
        seen.append(sampler)
        sampler = sampler.sampler
    return sampler
