"""Mini-batches in which every class has the same number of examples."""

import torch
from torch import Tensor

from lit_tricks.data.passes import class_pools, stretch
from lit_tricks.data.samplers import Sampler
from lit_tricks.errors import UserError


class BalancedSampler(Sampler):
    """Fills every batch with equally many examples of each class (IANN-7: balanced mini-batches).

    With K classes each batch holds ``batch_size // K`` of every class; places left over go to one class each,
    the next classes' turn coming in the next batch. An epoch has as many batches as without balancing, all
    of them full. Each class is drawn in passes: every example of it once, in a new random order, before any
    of them again, also from one epoch to the next. Rare classes thus repeat within an epoch, and frequent
    ones take several epochs to be seen whole.

    Raises ``UserError`` when a batch has fewer places than there are classes, or a class has no example.
    """

    rebalances: tuple[str, ...] = ("sampler=balanced",)

    def __init__(self, labels: Tensor, batch_size: int = 32, seed: int = 0) -> None:
        super().__init__(labels, batch_size, seed)
        self._pools = class_pools(labels, "balanced")
        classes = len(self._pools)
        if batch_size < classes:
            raise UserError(
                f"sampler=balanced needs a place in every batch for each of {classes} classes; "
                f"received batch_size={batch_size}: try batch_size={classes}"
            )
        self._batches = -(-len(labels) // batch_size)
        whole, extra = divmod(batch_size, classes)
        # (batches, K): how many of each class every batch holds
        quotas = torch.full((self._batches, classes), whole)
        turns = (torch.arange(self._batches)[:, None] * extra + torch.arange(extra)) % classes
        quotas.scatter_add_(1, turns, torch.ones_like(turns))
        self._needed = quotas.sum(0).tolist()
        self._places = torch.cat([self._places_of(label, quotas, whole) for label in range(classes)])

    def _places_of(self, label: int, quotas: Tensor, whole: int) -> Tensor:
        """Return where in an epoch the examples of a class stand: classes take turns within each batch."""
        quota, classes = quotas[:, label], quotas.shape[1]
        batch = torch.arange(len(quotas)).repeat_interleave(quota)
        turn = torch.arange(len(batch)) - (quota.cumsum(0) - quota)[batch]
        rank_of_extra = (quotas[:, :label] > whole).sum(1)[batch]
        return batch * self.batch_size + turn * classes + torch.where(turn < whole, label, rank_of_extra)

    def __len__(self) -> int:
        return self._batches * self.batch_size

    def order(self, epoch: int) -> Tensor:
        """Return the positions of all full batches of ``epoch``, one after the other.

        Within a batch the classes take turns, so that processes which share one, an epoch's last, get equal parts too.
        """
        drawn = [
            stretch(pool, epoch * needed, needed, self.seed, "balanced", label)
            for label, (pool, needed) in enumerate(zip(self._pools, self._needed, strict=True))
        ]
        return torch.empty(len(self), dtype=torch.int64).scatter_(0, self._places, torch.cat(drawn))
