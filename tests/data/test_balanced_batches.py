"""What balanced batches promise, over twenty random class distributions, in one process, in two, and resumed."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from imblearn.over_sampling import SMOTE

from lit_tricks.data import BatchLoader, DigitsDataModule, MoonsDataModule
from lit_tricks.data.balanced import BalancedSampler
from lit_tricks.data.checks import check_every_class
from lit_tricks.data.class_samplers import ClassAwareSampler, ProgressiveSampler, WeightedSampler
from lit_tricks.data.class_sizes import ClassCounts, TwoClassShare
from lit_tricks.data.input_resampling import InputResamplingSampler
from lit_tricks.data.source import Examples
from lit_tricks.data.splitting import stratified_fold
from lit_tricks.errors import UserError
from lit_tricks.objectives import CrossEntropy

EPOCHS = 3


def distribution(number: int) -> tuple[torch.Tensor, int]:
    """Return shuffled labels of 2 to 8 classes, sizes up to 400 times apart, and a batch size that K divides."""
    rng = np.random.default_rng(number)
    classes = int(rng.integers(2, 9))
    counts = np.maximum(1, (rng.uniform(100, 400) * 100 ** -rng.random(classes)).astype(int))
    labels = torch.from_numpy(rng.permutation(np.repeat(np.arange(classes), counts)))
    return labels, classes * int(rng.integers(1, 7))


def loader(labels: torch.Tensor, batch_size: int, seed: int = 0) -> BatchLoader:
    """Return batches whose inputs are the examples' own positions."""
    return BatchLoader(
        Examples(torch.arange(len(labels)), labels), batch_size, BalancedSampler(labels, batch_size, seed)
    )


@pytest.fixture(params=range(20))
def labels_and_size(request: pytest.FixtureRequest) -> tuple[torch.Tensor, int]:
    return distribution(request.param)


def test_every_batch_is_exact_and_the_majority_is_seen_whole_before_it_repeats(
    labels_and_size: tuple[torch.Tensor, int],
) -> None:
    labels, batch_size = labels_and_size
    counts = torch.bincount(labels)
    classes, most = len(counts), int(counts.argmax())
    batches = loader(labels, batch_size)
    seen: list[int] = []
    # enough epochs for the largest class to be seen whole
    for epoch in range(classes * EPOCHS):
        batches.sampler.set_epoch(epoch)
        found = list(batches)
        assert len(found) == len(batches)
        for x, y in found:
            assert torch.equal(torch.bincount(y, minlength=classes), torch.full((classes,), batch_size // classes))
            assert torch.equal(labels[x], y)
            seen += x[y == most].tolist()
    first_pass = seen[: int(counts[most])]
    assert len(seen) >= int(counts[most])
    assert sorted(first_pass) == torch.nonzero(labels == most).flatten().tolist()


def test_two_processes_get_other_batches_each_as_balanced(
    labels_and_size: tuple[torch.Tensor, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, batch_size = labels_and_size
    classes = len(torch.bincount(labels))
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    parts = []
    for rank in (0, 1):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        parts.append(list(loader(labels, batch_size)))
    assert len(parts[0]) == len(parts[1])
    for part in parts:
        for _, y in part[:-1]:
            assert torch.equal(torch.bincount(y, minlength=classes), torch.full((classes,), batch_size // classes))
        # of an odd number of batches the last is shared
        last = torch.bincount(part[-1][1], minlength=classes)
        assert last.max() - last.min() <= (len(part[-1][1]) < batch_size)
    most = int(torch.bincount(labels).argmax())
    drawn = torch.cat([x[y == most] for part in parts for x, y in part])
    repeated = batch_size % 2 * (len(parts[0][-1][0]) < batch_size)
    # an epoch draws the largest class at most once over, so what one process sees of it no other does
    assert len(drawn) - len(drawn.unique()) <= repeated


def test_a_run_resumes_in_mid_epoch_bit_for_bit(labels_and_size: tuple[torch.Tensor, int]) -> None:
    labels, batch_size = labels_and_size
    whole, resumed = loader(labels, batch_size), loader(labels, batch_size)
    whole.sampler.set_epoch(2)
    running = iter(whole)
    for _ in range(len(whole) // 2):
        next(running)
    state = whole.state_dict()
    resumed.sampler.set_epoch(2)
    resumed.load_state_dict(state)
    rest = list(running)
    assert rest
    for (x, y), (again, label) in zip(rest, resumed, strict=True):
        assert torch.equal(x, again)
        assert torch.equal(y, label)


def test_the_last_class_may_be_the_absent_one() -> None:
    with pytest.raises(UserError, match="'c' has none among 3"):
        check_every_class(torch.tensor([0, 1, 1]), ("a", "b", "c"))


def moons(**options: Any) -> None:
    data = MoonsDataModule(n_samples=100, **options)
    data.setup()
    data.train_dataloader()


def too_few_folds() -> None:
    stratified_fold(np.array([0] * 9 + [1] * 3), 5, 0, 0, ("often", "rare"))


MISTAKES: list[tuple[Callable[[], Any], str]] = [
    (lambda: BalancedSampler(torch.tensor([0, 0, 2])), "sampler=balanced needs an example of every class; class 1"),
    (lambda: ProgressiveSampler(torch.tensor([0, 0, 2])), "sampler=progressive needs an example of every class; class"),
    (lambda: BalancedSampler(torch.zeros(7, dtype=torch.int64)), "two classes or more; all 7 examples are of class 0"),
    (lambda: WeightedSampler(torch.zeros(7, dtype=torch.int64)), "sampler=weighted needs two classes or more"),
    (lambda: ClassAwareSampler(torch.zeros(7, dtype=torch.int64)), "sampler=class_aware needs two classes or more"),
    (lambda: DigitsDataModule(classes=[3]), "classes"),
    (
        lambda: moons(batch_size=1, sampler=BalancedSampler),
        "each of 2 classes; received batch_size=1: try batch_size=2",
    ),
    (too_few_folds, r"at least data\.folds=5 rows; class 'rare' has 3: try data\.folds=3"),
    (lambda: moons(imbalance=ClassCounts([9, 9, 9])), r"one number per class; received 3 for 2 classes"),
    (lambda: moons(imbalance=ClassCounts([900, 9])), r"may only thin a class; received 900 .*, which has \d+"),
    (lambda: CrossEntropy(3, class_weights="inverse", class_counts=[5, 5]), "each of 3 classes; received 2"),
    (lambda: CrossEntropy(3, class_weights=[1, 2]), r"one number per class; received 2 for 3 classes"),
    (lambda: CrossEntropy(2, class_weights="inverse", class_counts=[5, 0]), "every class; class 1 has none"),
    (
        lambda: moons(
            imbalance=TwoClassShare(0.05), sampler=partial(InputResamplingSampler, resampler=SMOTE()), val_size=0.5
        ),
        r"SMOTE with k_neighbors=5 needs 6 training examples of each class that it enlarges",
    ),
]


@pytest.mark.parametrize(("mistake", "message"), MISTAKES, ids=[str(number) for number in range(len(MISTAKES))])
def test_each_mistake_has_a_message_of_its_own(mistake: Callable[[], Any], message: str) -> None:
    with pytest.raises(UserError) as raised:
        mistake()
    assert re.search(message, str(raised.value)), str(raised.value)
    assert ": " in str(raised.value)
