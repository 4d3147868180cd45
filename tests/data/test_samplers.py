import pytest
import torch
from torch.utils.data import DataLoader

from lit_tricks.data.samplers import Sampler, SequentialSampler, ShuffleSampler

LABELS = torch.arange(97) % 3


@pytest.mark.parametrize("kind", [ShuffleSampler, SequentialSampler])
def test_an_epoch_visits_every_example_once(kind: type[Sampler]) -> None:
    order = kind(labels=LABELS, batch_size=10, seed=4).order(3)
    assert order.dtype == torch.int64
    assert torch.equal(order.sort().values, torch.arange(97))


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    orders = [ShuffleSampler(LABELS, seed=seed).order(epoch) for seed in range(3) for epoch in range(3)]
    assert len({tuple(order.tolist()) for order in orders}) == 9
    torch.manual_seed(99)
    assert torch.equal(ShuffleSampler(LABELS, seed=1).order(2), orders[5])


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    ShuffleSampler(LABELS).order(0)
    assert torch.equal(torch.get_rng_state(), before)


def test_sequential_keeps_the_order_of_the_data() -> None:
    assert torch.equal(SequentialSampler(LABELS, seed=5).order(7), torch.arange(97))


@pytest.mark.parametrize("kind", [ShuffleSampler, SequentialSampler])
def test_a_torch_dataloader_can_use_it(kind: type[Sampler]) -> None:
    sampler = kind(LABELS, seed=2)
    sampler.set_epoch(1)
    batches = list(DataLoader(torch.arange(97), batch_size=10, sampler=sampler))
    assert torch.equal(torch.cat(batches), sampler.order(1))


def test_examples_land_anywhere_equally_often() -> None:
    places = torch.stack([ShuffleSampler(torch.zeros(10), seed=0).order(epoch) for epoch in range(3000)])
    counts = (places == 0).sum(0)
    assert (counts - 300).abs().max() < 4.5 * (3000 * 0.1 * 0.9) ** 0.5
