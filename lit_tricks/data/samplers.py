"""The order in which an epoch visits the training examples."""

from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils import data as torch_data

from lit_tricks.data.passes import stretch
from lit_tricks.functional.seeding import derive_seed


class Sampler(torch_data.Sampler[int]):
    """Gives every epoch its order of examples; a subclass writes ``order``.

    One whose epochs are not as long as the data also writes ``__len__``.

    A batch is ``batch_size`` consecutive positions of the order. The order is a function of (seed, epoch) and
    of nothing that happened before, so a run resumed at any epoch sees the batches of an undisturbed one.
    ``BatchLoader`` asks for the whole order at once; plain torch ``DataLoader``s iterate over it.

    Args:
        labels: (N,) int64 class of every training example.
        batch_size: examples in one batch, for samplers that compose batches.
        seed: seed of the run, at least 0.

    Attributes:
        rebalances: the words by which rare classes come more often than the data has them; empty for none.
        begins: the first epoch with an order of the sampler's own, 0 for all; a callback may defer it.
    """

    rebalances: tuple[str, ...] = ()

    def __init__(self, labels: Tensor, batch_size: int = 32, seed: int = 0) -> None:
        self.labels = labels
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0
        self.begins = 0

    @abstractmethod
    def order(self, epoch: int) -> Tensor:
        """Return the positions of ``epoch``, int64 of shape (len(self),), on the CPU."""

    def visits(self, epoch: int) -> Tensor:
        """Return the positions that ``epoch`` visits: ``order``, or before ``begins`` a stretch of shuffled passes.

        A pass is every example once in a new random order; an epoch is as long as the sampler's own, and where that
        is not the length of the data the next one goes on where it ended.
        """
        if epoch >= self.begins:
            return self.order(epoch)
        return stretch(torch.arange(len(self.labels)), epoch * len(self), len(self), self.seed, "deferred")

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration runs through; Lightning calls this before each epoch."""
        self.epoch = epoch

    def generator(self, epoch: int) -> torch.Generator:
        """Return a random generator of its own for the order of ``epoch``."""
        return torch.Generator().manual_seed(derive_seed(self.seed, "order", epoch))

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[int]:
        return iter(self.visits(self.epoch).tolist())


class ShuffleSampler(Sampler):
    """Visits every example once per epoch in a new random order."""

    def order(self, epoch: int) -> Tensor:
        """Return a random permutation drawn from (seed, epoch)."""
        return torch.randperm(len(self.labels), generator=self.generator(epoch))


# Lightning recognises an unshuffled loader by torch's own class.
class SequentialSampler(Sampler, torch_data.SequentialSampler):
    """Visits every example once per epoch in the order of the data."""

    def order(self, epoch: int) -> Tensor:
        """Return 0..N-1 in every epoch."""
        return torch.arange(len(self.labels))
