"""MixUp and CutMix against computations by hand and against the papers' own code."""

import numpy as np
import pytest
import torch

from lit_tricks.functional.mixing import cut_mix, inside, mix_up, patches


def test_mixup_by_hand() -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, -4.0], [0.0, 8.0]])
    shares = torch.eye(3)
    mixed, classes = mix_up(x, shares, torch.tensor([0.75, 1.0, 0.5]), torch.tensor([1, 2, 0]))
    assert mixed.tolist() == [[1.5, 0.5], [3.0, -4.0], [0.5, 5.0]]
    assert classes.tolist() == [[0.75, 0.25, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, 0.5]]


def test_cutmix_by_hand() -> None:
    x = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], [[[-1.0, -2.0, -3.0], [-4.0, -5.0, -6.0]]]])
    boxes = torch.tensor([[0, 1, 2, 3], [1, 0, 1, 3]])
    mixed, classes = cut_mix(x, torch.eye(2), boxes, torch.tensor([1, 0]))
    assert mixed[0, 0].tolist() == [[1.0, -2.0, -3.0], [4.0, -5.0, -6.0]]
    assert torch.equal(mixed[1], x[1]), "a box without height replaces nothing"
    assert classes[0].tolist() == pytest.approx([2 / 6, 4 / 6])
    assert classes[1].tolist() == [0.0, 1.0]


def test_shares_sum_to_one() -> None:
    own = torch.rand(10_000, generator=torch.Generator().manual_seed(0))
    shares = torch.eye(10)[torch.arange(10_000) % 10]
    _, classes = mix_up(torch.zeros(10_000, 1), shares, own, torch.randperm(10_000))
    assert torch.equal(classes.sum(1), torch.ones(10_000))


def test_the_mask_covers_exactly_the_box() -> None:
    boxes = torch.tensor([[1, 2, 3, 5], [0, 0, 4, 6], [2, 2, 2, 2]])
    mask = inside(boxes, 4, 6)
    assert mask.shape == (3, 1, 4, 6)
    for (top, left, bottom, right), seen in zip(boxes.tolist(), mask[:, 0].numpy(), strict=True):
        expected = np.zeros((4, 6), dtype=bool)
        expected[top:bottom, left:right] = True
        assert (seen == expected).all()


def test_patches_are_those_of_the_papers_code_save_a_pixel() -> None:
    rng = np.random.default_rng(0)
    own, centre = rng.random(200), np.stack([rng.integers(0, 28, 200), rng.integers(0, 20, 200)])
    own[:2] = 0.0, 1.0
    for share, row, column, box in zip(own, *centre, patches(own, centre, 28, 20), strict=True):
        cut = np.sqrt(1.0 - share)
        high, wide = int(28 * cut), int(20 * cut)
        first = np.clip(row - high // 2, 0, 28), np.clip(column - wide // 2, 0, 20)
        # their code halves the sides twice, which makes odd ones shorter by a pixel
        assert tuple(box[:2]) == first
        assert box[2] == min(row - high // 2 + high, 28)
        assert box[3] == min(column - wide // 2 + wide, 20)
    assert (patches(own, centre, 28, 20)[1, :2] == patches(own, centre, 28, 20)[1, 2:]).all()
