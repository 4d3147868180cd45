"""Shuffled labels say nothing about their inputs, and nothing else changes."""

import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from lit_tricks.data import DigitsDataModule
from lit_tricks.data.shuffled_labels import with_shuffled_labels
from lit_tricks.data.source import Examples
from lit_tricks.errors import UserError


def numbered(count: int) -> Examples:
    """Return examples whose label is their position, so that every exchange shows."""
    return Examples(torch.arange(count).float()[:, None], torch.arange(count))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_the_labels_is_exchanged_and_none_is_lost(share: float) -> None:
    examples = numbered(1000)
    shuffled = with_shuffled_labels(examples, share, seed=3)
    assert torch.equal(shuffled.y.sort().values, examples.y)
    assert torch.equal(shuffled.x, examples.x)
    moved = int((shuffled.y != examples.y).sum())
    # of the chosen a permutation leaves one in its place on average
    assert share * 1000 - 6 <= moved <= share * 1000
    assert torch.equal(examples.y, torch.arange(1000)), "the store belongs to other splits as well"


def test_labels_move_within_a_view_alone() -> None:
    view = numbered(100).take(torch.arange(10, 60).numpy())
    shuffled = with_shuffled_labels(view, 1.0, seed=0)
    assert torch.equal(shuffled.y.sort().values, torch.arange(10, 60))
    outside = torch.cat([torch.arange(10), torch.arange(60, 100)])
    assert torch.equal(shuffled.labels[outside], outside)
    assert torch.equal(shuffled.x, view.x)


def test_only_training_loses_its_mapping_and_each_seed_in_its_own_way() -> None:
    data, plain = (DigitsDataModule(seed=1, shuffled_labels=share) for share in (1.0, 0.0))
    other = DigitsDataModule(seed=2, shuffled_labels=1.0)
    for module in (data, plain, other):
        module.setup()
    assert data.spec == plain.spec
    assert torch.equal(data.train.x, plain.train.x)
    assert torch.equal(data.val.y, plain.val.y)
    assert torch.equal(data.test.y, plain.test.y)
    assert not torch.equal(data.train.y, other.train.y[: len(data.train)])
    test = data.test.x.flatten(1)
    accuracies = [
        KNeighborsClassifier(1).fit(module.train.x.flatten(1), module.train.y).score(test, data.test.y)
        for module in (data, plain)
    ]
    assert accuracies[0] < 0.2
    assert accuracies[1] > 0.95


@pytest.mark.parametrize("share", [-0.1, 1.1, True, "half"])
def test_a_share_out_of_range_is_refused(share: object) -> None:
    with pytest.raises(UserError, match=r"data\.shuffled_labels must be a share in \[0, 1\]"):
        DigitsDataModule(shuffled_labels=share)  # type: ignore[arg-type]
