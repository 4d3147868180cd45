"""The formulas of class weights and long-tail losses against torch, scikit-learn and hand computation."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight

from lit_tricks.functional.class_balance import (
    class_weights,
    example_weights,
    focal_loss,
    ldam_margins,
    log_priors,
    margin_logits,
    mean_one,
)

COUNTS = [90, 9, 1]


def logits(rows: int = 40) -> torch.Tensor:
    return 3 * torch.randn(rows, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def labels(rows: int = 40) -> torch.Tensor:
    return torch.randint(3, (rows,), generator=torch.Generator().manual_seed(6))


def test_the_lectures_weights_at_90_10() -> None:
    torch.testing.assert_close(class_weights([90, 10], "one_minus_share"), torch.tensor([0.1, 0.9]).double())


def test_inverse_weights_are_scikit_learns_balanced_ones() -> None:
    everyone = np.repeat(np.arange(3), COUNTS)
    reference = compute_class_weight("balanced", classes=np.arange(3), y=everyone)
    found = mean_one(class_weights(COUNTS, "inverse"), COUNTS)
    np.testing.assert_allclose(found.numpy(), reference)


def test_effective_numbers_count_by_their_series() -> None:
    # (1 - β^n) / (1 - β) is the sum of β^i over i < n
    effective = [sum(0.9**i for i in range(n)) for n in COUNTS]
    torch.testing.assert_close(
        class_weights(COUNTS, "effective_number", 0.9), torch.tensor([1 / e for e in effective]).double()
    )
    torch.testing.assert_close(class_weights(COUNTS, "effective_number", 0.0), torch.ones(3).double())
    inverse, near = (mean_one(w, COUNTS) for w in (class_weights(COUNTS, "inverse"),
                                                   class_weights(COUNTS, "effective_number", 1 - 1e-9)))  # fmt: skip
    torch.testing.assert_close(near, inverse, rtol=1e-5, atol=0)


@pytest.mark.parametrize("rule", ["one_minus_share", "inverse", "effective_number"])
def test_weights_have_mean_one_over_the_training_examples(rule) -> None:
    weights = mean_one(class_weights(COUNTS, rule), COUNTS)
    everyone = torch.repeat_interleave(torch.arange(3), torch.tensor(COUNTS))
    assert weights[everyone].mean().item() == pytest.approx(1.0)


def test_priors_are_logs_of_shares() -> None:
    assert log_priors(COUNTS).tolist() == pytest.approx([math.log(0.9), math.log(0.09), math.log(0.01)])


def test_margins_fall_with_the_fourth_root() -> None:
    assert ldam_margins([16, 81, 1], 0.5).tolist() == pytest.approx([0.25, 0.5 / 3, 0.5])


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_by_its_formula(gamma: float) -> None:
    z, y = logits(), labels()
    expected = []
    for row, label in zip(z.tolist(), y.tolist(), strict=True):
        p = math.exp(row[label]) / sum(map(math.exp, row))
        expected.append(-((1 - p) ** gamma) * math.log(p))
    found = focal_loss(z, y, gamma)
    torch.testing.assert_close(found, torch.tensor(expected).double())
    torch.testing.assert_close(focal_loss(z, F.one_hot(y, 3).double(), gamma), found)


def test_focal_loss_without_focus_is_cross_entropy() -> None:
    torch.testing.assert_close(
        focal_loss(logits(), labels(), 0.0), F.cross_entropy(logits(), labels(), reduction="none")
    )


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_and_its_gradient_stay_finite(gamma: float) -> None:
    z = torch.tensor([[1e4, 0.0], [0.0, 1e4], [20.0, 0.0]], requires_grad=True)
    loss = focal_loss(z, torch.zeros(3, dtype=torch.int64), gamma)
    loss.sum().backward()
    assert loss.isfinite().all()
    assert z.grad is not None
    assert z.grad.isfinite().all()
    # 1 - p of the last row is 2e-9, which float32 rounds to 0
    assert loss[2].item() == pytest.approx(math.exp(-20) ** gamma * math.exp(-20), rel=1e-3)


def test_focal_gradient_matches_numerical_differences() -> None:
    z = logits(4).requires_grad_()
    assert torch.autograd.gradcheck(lambda drives: focal_loss(drives, labels(4), 1.5), (z,))


def test_margins_lower_the_right_class_alone() -> None:
    margins = torch.tensor([0.1, 0.2, 0.5]).double()
    z, y = logits(), labels()
    moved = margin_logits(z, y, margins, 30.0)
    for row, label, out in zip(z, y.tolist(), moved, strict=True):
        expected = row.clone()
        expected[label] -= margins[label]
        torch.testing.assert_close(out, 30 * expected)


def test_an_example_of_two_classes_has_the_mean_weight() -> None:
    weights = torch.tensor([1.0, 3.0, 5.0])
    assert example_weights(weights, torch.tensor([2, 0])).tolist() == [5.0, 1.0]
    assert example_weights(weights, torch.tensor([[0.5, 0.5, 0.0]])).tolist() == [2.0]
