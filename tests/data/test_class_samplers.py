"""Samplers against imbalance: the shares they promise, from seed and epoch alone, shared out over processes."""

from collections.abc import Callable

import pytest
import torch
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import NearMiss, RandomUnderSampler
from torch.utils.data import WeightedRandomSampler

from lit_tricks.data.balanced import BalancedSampler
from lit_tricks.data.class_samplers import ClassAwareSampler, ProgressiveSampler, WeightedSampler
from lit_tricks.data.loader import BatchLoader, shard
from lit_tricks.data.resampling import ResamplingSampler
from lit_tricks.data.samplers import Sampler, SequentialSampler, ShuffleSampler
from lit_tricks.data.source import Examples
from lit_tricks.errors import UserError

COUNTS = [300, 60, 12]


def labels_of(counts: list[int]) -> torch.Tensor:
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))]


LABELS = labels_of(COUNTS)


def undersampled(labels: torch.Tensor = LABELS, batch_size: int = 32, seed: int = 0) -> Sampler:
    return ResamplingSampler(labels, batch_size, seed, resampler=RandomUnderSampler())


def oversampled(labels: torch.Tensor = LABELS, batch_size: int = 32, seed: int = 0) -> Sampler:
    return ResamplingSampler(labels, batch_size, seed, resampler=RandomOverSampler())


EVERY: list[Callable[..., Sampler]] = [
    WeightedSampler, ClassAwareSampler, ProgressiveSampler, BalancedSampler, undersampled, oversampled,
]  # fmt: skip


def drawn(sampler: Sampler, epochs: int = 1) -> torch.Tensor:
    return torch.cat([sampler.order(epoch) for epoch in range(epochs)])


@pytest.mark.parametrize("make", EVERY)
def test_the_order_is_a_function_of_seed_and_epoch(make: Callable[..., Sampler]) -> None:
    first, second = make(LABELS, seed=3), make(LABELS, seed=3)
    state = torch.get_rng_state()
    second.order(5)
    assert torch.equal(first.order(2), second.order(2))
    assert not torch.equal(first.order(2), first.order(3))
    assert not torch.equal(first.order(2), make(LABELS, seed=4).order(2))
    assert first.order(2).dtype == torch.int64
    assert len(first.order(2)) == len(first)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.rebalances


@pytest.mark.parametrize("make", EVERY)
def test_two_processes_share_the_order_and_resume_in_mid_epoch(make: Callable[..., Sampler]) -> None:
    sampler = make(LABELS, batch_size=8)
    order = sampler.order(1)
    parts = [shard(order, 8, rank, 2, True) for rank in (0, 1)]
    steps = len(order) // 16
    together = torch.stack([part[: steps * 8].view(steps, 8) for part in parts], 1).reshape(-1)
    assert torch.equal(together, order[: steps * 16])
    loaders = [BatchLoader(Examples(torch.arange(len(LABELS)), LABELS), 8, make(LABELS, batch_size=8)) for _ in "ab"]
    running = iter(loaders[0])
    for _ in range(3):
        next(running)
    loaders[1].load_state_dict(loaders[0].state_dict())
    for (x, _), (again, _) in zip(running, loaders[1], strict=True):
        assert torch.equal(x, again)


def test_weighted_has_the_frequencies_of_torchs_sampler() -> None:
    weights = 1 / torch.tensor(COUNTS).double()[LABELS]
    torchs = torch.tensor(
        list(WeightedRandomSampler(weights, 60_000, generator=torch.Generator().manual_seed(0)))  # type: ignore[arg-type]
    )
    ours = drawn(WeightedSampler(LABELS), 60_000 // len(LABELS))
    for found in (torchs, ours):
        shares = torch.bincount(LABELS[found], minlength=3) / len(found)
        torch.testing.assert_close(shares, torch.full((3,), 1 / 3), rtol=0, atol=0.01)
    # of one class every example is as likely: χ² of 300 with 299 degrees of freedom lies below 400 nearly always
    frequent = torch.bincount(ours, minlength=len(LABELS))[LABELS == 0].double()
    assert ((frequent - frequent.mean()) ** 2 / frequent.mean()).sum() < 400


@pytest.mark.parametrize(("power", "weights"), [(0.0, [300, 60, 12]), (0.5, [300**0.5, 60**0.5, 12**0.5])])
def test_power_lies_between_natural_and_equal_shares(power: float, weights: list[float]) -> None:
    found = LABELS[drawn(WeightedSampler(LABELS, power=power), 100)]
    shares = torch.bincount(found, minlength=3) / len(found)
    torch.testing.assert_close(shares, torch.tensor(weights) / sum(weights), rtol=0, atol=0.01)


def test_class_aware_rounds_hold_every_class_and_passes_every_example() -> None:
    sampler = ClassAwareSampler(LABELS)
    assert len(sampler) == 372
    order = drawn(sampler, 4)
    rounds = LABELS[order].view(-1, 3)
    assert torch.equal(rounds.sort(1).values, torch.arange(3).expand_as(rounds))
    assert len(rounds.unique(dim=0)) == 6
    for label, count in enumerate(COUNTS):
        sequence = order[LABELS[order] == label]
        for one_pass in sequence[: len(sequence) // count * count].view(-1, count):
            assert len(one_pass.unique()) == count


def test_progressive_goes_from_natural_to_equal_shares() -> None:
    many = labels_of([9000, 900, 100])
    sampler = ProgressiveSampler(many, epochs=5)
    expected = {0: [0.9, 0.09, 0.01], 2: [0.617, 0.212, 0.172], 4: [1 / 3] * 3, 9: [1 / 3] * 3}
    for epoch, shares in expected.items():
        found = torch.bincount(many[sampler.order(epoch)], minlength=3) / len(many)
        torch.testing.assert_close(found, torch.tensor(shares), rtol=0, atol=0.015)
    order = sampler.order(4)
    frequent = order[many[order] == 0]
    assert len(frequent.unique()) == len(frequent), "fewer draws than examples repeat none"


def test_undersampling_takes_other_examples_in_every_epoch() -> None:
    sampler = undersampled()
    assert len(sampler) == 36
    seen = set()
    for epoch in range(60):
        order = sampler.order(epoch)
        assert torch.bincount(LABELS[order]).tolist() == [12, 12, 12]
        assert len(order.unique()) == 36
        seen |= set(order.tolist())
    assert len(seen) > 0.8 * len(LABELS)


def test_oversampling_leaves_nothing_out() -> None:
    sampler = oversampled()
    order = sampler.order(0)
    assert torch.bincount(LABELS[order]).tolist() == [300, 300, 300]
    assert torch.equal(order.unique(), torch.arange(len(LABELS)))
    strategy = ResamplingSampler(LABELS, resampler=RandomOverSampler(sampling_strategy={2: 40}))
    assert torch.bincount(LABELS[strategy.order(0)]).tolist() == [300, 60, 40]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WeightedSampler(LABELS, power=2), r"sampler\.power must lie in \[0, 1\]; received 2"),
        (lambda: ProgressiveSampler(LABELS, epochs=0), r"sampler\.epochs must be a whole number of at least 1"),
        (lambda: ClassAwareSampler(torch.tensor([0, 2])), "sampler=class_aware needs an example of every class"),
        (lambda: WeightedSampler(torch.tensor([0, 2])), "sampler=weighted needs an example of every class; class 1"),
        (lambda: ResamplingSampler(LABELS, resampler=SMOTE()), "by their labels alone; received SMOTE"),
        (lambda: ResamplingSampler(LABELS, resampler=NearMiss()), "by their labels alone; received NearMiss"),
        (lambda: ResamplingSampler(LABELS, resampler=RandomOverSampler(shrinkage=0.1)), "new ones with shrinkage"),
        (
            lambda: ResamplingSampler(LABELS, resampler=RandomUnderSampler(sampling_strategy={0: 400})),
            "RandomUnderSampler must be able to resample the training labels; it said",
        ),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(make, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


def test_ordinary_orders_rebalance_nothing() -> None:
    assert not ShuffleSampler(LABELS).rebalances
    assert not SequentialSampler(LABELS).rebalances
