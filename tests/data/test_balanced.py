"""Balanced batches are exact, and every class is drawn in whole passes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_tricks.data.balanced import BalancedSampler
from lit_tricks.errors import UserError


def labels_of(counts: list[int]) -> torch.Tensor:
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 80), min_size=2, max_size=7), st.integers(7, 40), st.integers(0, 3))
def test_every_batch_is_balanced_and_no_example_repeats_within_a_pass(
    counts: list[int], batch_size: int, seed: int
) -> None:
    labels = labels_of(counts)
    sampler = BalancedSampler(labels, batch_size, seed)
    drawn = [sampler.order(epoch) for epoch in range(4)]
    classes = len(counts)
    for order in drawn:
        assert len(order) == len(sampler)
        for batch in order.split(batch_size):
            share = torch.bincount(labels[batch], minlength=classes)
            assert len(batch) == batch_size
            assert share.min() >= batch_size // classes
            assert share.max() <= batch_size // classes + 1
    for label, count in enumerate(counts):
        sequence = torch.cat(drawn)[labels[torch.cat(drawn)] == label]
        for one_pass in sequence[: len(sequence) // count * count].view(-1, count):
            assert len(one_pass.unique()) == count


def test_places_left_over_go_round() -> None:
    sampler = BalancedSampler(labels_of([30, 30, 30]), batch_size=10)
    labels = sampler.labels
    share = torch.stack([torch.bincount(labels[batch], minlength=3) for batch in sampler.order(0).split(10)])
    assert share.tolist() == [[4, 3, 3], [3, 4, 3], [3, 3, 4]] * 3


def test_order_depends_on_seed_and_epoch_alone() -> None:
    labels = labels_of([50, 5])
    first, second = BalancedSampler(labels, 8, seed=3), BalancedSampler(labels, 8, seed=3)
    second.order(7)
    assert torch.equal(first.order(2), second.order(2))
    assert not torch.equal(first.order(2), first.order(3))
    assert not torch.equal(first.order(2), BalancedSampler(labels, 8, seed=4).order(2))


def test_a_batch_smaller_than_the_number_of_classes_is_refused() -> None:
    with pytest.raises(UserError, match=r"each of 3 classes; received batch_size=2: try batch_size=3"):
        BalancedSampler(labels_of([5, 5, 5]), batch_size=2)


def test_a_class_without_examples_is_refused() -> None:
    with pytest.raises(UserError, match="class 1 has none"):
        BalancedSampler(torch.tensor([0, 0, 2, 2]), batch_size=4)
