"""Samplers that draw the class first and then an example of it."""

import torch
from torch import Tensor

from lit_tricks.data.passes import class_pools, filled, stretch
from lit_tricks.data.samplers import Sampler
from lit_tricks.errors import UserError


class WeightedSampler(Sampler):
    """Draws every example independently and with replacement, rare classes more often.

    The class has probability ∝ n_c^(1 - power), its examples are equally likely: at ``power`` 1 this is torch's
    ``WeightedRandomSampler`` with weights 1 / n_c, without its limit of 2^24 examples; at ½ square-root sampling
    (Mahajan et al. 2018); at 0 the shares of the data. An epoch draws as many examples as there are.

    Raises ``UserError`` for a power outside [0, 1], or a class without examples.
    """

    rebalances: tuple[str, ...] = ("sampler=weighted",)

    def __init__(self, labels: Tensor, batch_size: int = 32, seed: int = 0, power: float = 1.0) -> None:
        super().__init__(labels, batch_size, seed)
        if not 0 <= power <= 1:
            raise UserError(f"sampler.power must lie in [0, 1]; received {power}: try sampler.power=1")
        if not power:
            self.rebalances = ()
        self._pools = class_pools(labels, "weighted")
        self._sizes = torch.tensor([len(pool) for pool in self._pools])
        self._chances = self._sizes.double().pow(1 - power)

    def order(self, epoch: int) -> Tensor:
        """Return N positions drawn with replacement."""
        generator = self.generator(epoch)
        classes = torch.multinomial(self._chances, len(self), replacement=True, generator=generator)
        within = (torch.rand(len(self), dtype=torch.float64, generator=generator) * self._sizes[classes]).long()
        starts = self._sizes.cumsum(0) - self._sizes
        return torch.cat(self._pools)[starts[classes] + within]


class ClassAwareSampler(Sampler):
    """Visits the classes in turn and of each its next example (Shen, Lin & Huang 2016, class-aware sampling).

    Every round visits all K classes in a new random order; every class is drawn in passes, each example once in a new
    order before any again, also from one epoch to the next. An epoch has N rounded up to whole rounds.

    Raises ``UserError`` for a class without examples.
    """

    rebalances: tuple[str, ...] = ("sampler=class_aware",)

    def __init__(self, labels: Tensor, batch_size: int = 32, seed: int = 0) -> None:
        super().__init__(labels, batch_size, seed)
        self._pools = class_pools(labels, "class_aware")
        self._rounds = -(-len(labels) // len(self._pools))

    def __len__(self) -> int:
        return self._rounds * len(self._pools)

    def order(self, epoch: int) -> Tensor:
        """Return the rounds of ``epoch``, one after the other."""
        noise = torch.rand(self._rounds, len(self._pools), generator=self.generator(epoch))
        start = epoch * self._rounds
        return filled(
            noise.argsort(1).flatten(),
            [stretch(p, start, self._rounds, self.seed, "class_aware", k) for k, p in enumerate(self._pools)],
        )


class ProgressiveSampler(Sampler):
    """Goes from the data's own class shares to equal ones (Kang et al. 2020, progressively balanced sampling).

    In epoch t the class has probability (1 - s) n_c / N + s / K with s = t / (T - 1), 0 in the first epoch and 1 from
    the T-th on, T being ``epochs``. Within an epoch each class is drawn in passes, each example once in a new order
    before any again. An epoch draws as many examples as there are.

    Raises ``UserError`` for fewer than one epoch, or a class without examples.
    """

    rebalances: tuple[str, ...] = ("sampler=progressive",)

    def __init__(self, labels: Tensor, batch_size: int = 32, seed: int = 0, epochs: int = 20) -> None:
        super().__init__(labels, batch_size, seed)
        if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
            raise UserError(
                f"sampler.epochs must be a whole number of at least 1; received {epochs}: try sampler.epochs=20"
            )
        self.epochs = epochs
        self._pools = class_pools(labels, "progressive")

    def chances(self, epoch: int) -> Tensor:
        """Return the probability of each class in ``epoch``, (K,) ``float64``."""
        natural = torch.tensor([len(pool) for pool in self._pools], dtype=torch.float64) / len(self.labels)
        progress = min(epoch / max(self.epochs - 1, 1), 1.0)
        return (1 - progress) * natural + progress / len(self._pools)

    def order(self, epoch: int) -> Tensor:
        """Return N positions."""
        classes = torch.multinomial(self.chances(epoch), len(self), replacement=True, generator=self.generator(epoch))
        counts = torch.bincount(classes, minlength=len(self._pools)).tolist()
        drawn = [
            stretch(pool, 0, count, self.seed, "progressive", k, epoch)
            for k, (pool, count) in enumerate(zip(self._pools, counts, strict=True))
        ]
        return filled(classes, drawn)
