"""Batches gathered from memory, resumable in mid-epoch and shared out over processes."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from lit_tricks.data.samplers import Sampler
from lit_tricks.data.source import Examples
from lit_tricks.errors import UserError

# An index is split for this many batches at once: splitting one by one costs a sixth more time a batch, and views
# of all batches at once would take more memory than the index.
_SPLIT = 64


class BatchLoader:
    """Iterates over ``(x, y)`` batches of ``examples`` in the order of ``sampler``, without worker processes.

    Under ``torch.distributed`` each process gets its own batches, see ``shard``. Lightning sets the epoch on
    ``sampler`` and stores ``state_dict`` in its checkpoints, so that training resumes with the very next batch.
    An iterator reads epoch and resume position when its first batch is asked for, because Lightning creates it
    earlier than it sets the epoch.

    Args:
        examples: what to draw from.
        batch_size: examples in one batch of one process, at least 1; an epoch's last batch may be smaller.
        sampler: gives each epoch its order.
        repeat: whether processes with a short last batch repeat an example of it, which gradients averaged over
            processes need; exact evaluation sets it to False.

    Raises:
        UserError: when an epoch begins whose order is not as long as ``sampler`` says.

    Attributes:
        shared: whether processes that train together share the batches out; False gives every process all.
    """

    # Lightning asks every loader that has a sampler for this too.
    batch_sampler: None = None

    def __init__(self, examples: Examples, batch_size: int, sampler: Sampler, *, repeat: bool = True) -> None:
        self.examples = examples
        self.batch_size = batch_size
        self.sampler = sampler
        self.repeat = repeat
        self.shared = True
        self._position = (sampler.epoch, 0)
        self._resume: tuple[int, int] | None = None
        self._index = torch.empty(0, dtype=torch.int64)
        self._values = max(math.prod(examples.shape[1:]), 1)

    def __len__(self) -> int:
        """Number of batches in one epoch of this process."""
        return self._batches(shard_length(len(self.sampler), self.batch_size, *self._process(), self.repeat))

    def order(self, epoch: int) -> Tensor:
        """Return the example positions that this process visits in ``epoch``, int64; batches are its chunks."""
        order, length = self.sampler.visits(epoch), len(self.sampler)
        if len(order) != length:
            name = type(self.sampler).__name__
            raise UserError(
                f"a sampler's order must be as long as the sampler; {name} says {length} examples and ordered "
                f"{len(order)}: try a __len__ of its own"
            )
        return shard(order, self.batch_size, *self._process(), self.repeat)

    def _batches(self, length: int) -> int:
        """Return how many batches ``length`` examples make.

        In training a single example left over joins the batch before it, since a batch of one has no variance
        for batch normalisation to divide by.
        """
        batches = math.ceil(length / self.batch_size)
        joins = self.repeat and length % self.batch_size == 1 and length > self.batch_size > 1
        return batches - 1 if joins else batches

    def _process(self) -> tuple[int, int]:
        if self.shared and torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
        return 0, 1

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        epoch = self.sampler.epoch
        resume, self._resume = self._resume, None
        first = resume[1] if resume is not None and resume[0] == epoch else 0
        self._index, self._position = self.examples.locate(self.order(epoch)), (epoch, first)
        gather, batches = self.examples.gather, self._batches(len(self._index))
        start, parts = 0, ()
        while (cursor := self._position[1]) < batches:
            if not 0 <= cursor - start < len(parts):
                start, (index, sizes) = cursor, self._next(_SPLIT)
                parts = index.split(sizes)
            self._position = (epoch, cursor + 1)
            yield gather(parts[cursor - start])

    def take(self, count: int) -> tuple[Tensor, Tensor, list[int]]:
        """Return the next ``count`` batches of the running iteration in one piece, with their sizes.

        The iterator goes on after them. Inputs are (sum of sizes, *input_shape).
        """
        index, sizes = self._next(count)
        epoch, cursor = self._position
        self._position = (epoch, cursor + len(sizes))
        return *self.examples.gather(index), sizes

    def give_back(self, count: int) -> None:
        """Let the last ``count`` batches that were handed out come once more."""
        epoch, cursor = self._position
        self._position = (epoch, cursor - count)

    def _next(self, count: int) -> tuple[Tensor, list[int]]:
        """Return the index of at most ``count`` batches from the present position on, and their sizes."""
        cursor = self._position[1]
        batches = self._batches(len(self._index))
        sizes = [self.batch_size] * min(count, batches - cursor)
        if sizes and cursor + len(sizes) == batches:
            sizes[-1] = len(self._index) - (batches - 1) * self.batch_size
        start = cursor * self.batch_size
        return self._index[start : start + sum(sizes)], sizes

    def fitting(self, values: int) -> int:
        """Return how many batches hold at most ``values`` input values together."""
        return values // (self.batch_size * self._values)

    def state_dict(self) -> dict[str, Any]:
        """Return the epoch and the number of its batches handed out so far."""
        epoch, cursor = self._position
        return {"epoch": epoch, "cursor": cursor}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next iteration start after the batches of ``state_dict``, provided that it runs the same epoch."""
        self._position = self._resume = (state_dict["epoch"], state_dict["cursor"])


def shard(order: Tensor, batch_size: int, rank: int, world: int, repeat: bool) -> Tensor:
    """Return the part of an epoch's ``order`` (N,) that process ``rank`` of ``world`` visits.

    Whole batches are dealt out in turn: step s of rank r is batch s·world + r of ``order``, so together the
    processes see the same ``batch_size * world`` examples in step s as one process with that batch size.
    What is left over is split evenly; with ``repeat`` shares that fall short by one repeat an example of the
    remainder, so that every process makes equally many and equally large batches. Without it every example is
    visited exactly once, and processes may lack the last batch.
    """
    if world == 1:
        return order
    whole = len(order) // (batch_size * world) * (batch_size * world)
    tail = order[whole:]
    if repeat and len(tail):
        tail = tail[torch.arange(math.ceil(len(tail) / world) * world) % len(tail)]
    dealt = order[:whole].view(-1, world, batch_size)[:, rank].reshape(-1)
    return torch.cat([dealt, tail.tensor_split(world)[rank]])


def shard_length(total: int, batch_size: int, rank: int, world: int, repeat: bool) -> int:
    """Return the length of ``shard`` for an order of ``total`` positions without making one."""
    steps, tail = divmod(total, batch_size * world)
    return steps * batch_size + (tail + world - 1 - (0 if repeat else rank)) // world
