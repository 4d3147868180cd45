"""Class weights in every objective and the cross-entropies for long tails: right while training, absent afterwards."""

import pytest
import torch
import torch.nn.functional as F

from lit_tricks.errors import UserError
from lit_tricks.functional.class_balance import class_weights
from lit_tricks.objectives import (
    LDAM,
    BinaryCrossEntropy,
    CrossEntropy,
    Focal,
    LogitAdjusted,
    SquaredError,
    trains_otherwise,
)

COUNTS = (90, 9, 1)
WEIGHTED = [CrossEntropy, BinaryCrossEntropy, SquaredError, LogitAdjusted, Focal, LDAM]


@pytest.fixture
def logits() -> torch.Tensor:
    return 3 * torch.randn(12, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def target() -> torch.Tensor:
    return torch.tensor([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2])


@pytest.mark.parametrize("rule", ["one_minus_share", "inverse", "effective_number"])
def test_the_batch_convention_is_torchs(rule, logits, target) -> None:
    objective = CrossEntropy(3, class_weights=rule, weight_normalisation="batch", class_counts=COUNTS)
    reference = torch.nn.CrossEntropyLoss(weight=class_weights(COUNTS, rule).float())
    torch.testing.assert_close(objective(logits, target), reference(logits, target))
    listed = CrossEntropy(3, class_weights=[1.0, 2.0, 7.0], weight_normalisation="batch")
    torch.testing.assert_close(listed(logits, target), F.cross_entropy(logits, target, torch.tensor([1.0, 2.0, 7.0])))


def test_weights_of_the_whole_training_set_do_not_depend_on_the_batch(logits, target) -> None:
    objective = CrossEntropy(3, class_weights="inverse", class_counts=COUNTS)
    # 100 / (3 n): the mean over all 100 examples is 1
    by_hand = torch.tensor([100 / 270, 100 / 27, 100 / 3])[target] * F.cross_entropy(logits, target, reduction="none")
    torch.testing.assert_close(objective(logits, target), by_hand.mean())
    torch.testing.assert_close(objective(logits[10:], target[10:]), by_hand[10:].mean())
    listed = CrossEntropy(3, class_weights=[1 / 90, 1 / 9, 1.0], class_counts=COUNTS)
    torch.testing.assert_close(listed(logits, target), by_hand.mean())


def test_the_whole_epochs_gradient_is_that_of_the_weighted_mean(logits, target) -> None:
    drives = logits.clone().requires_grad_()
    objective = CrossEntropy(3, class_weights="inverse", class_counts=(7, 3, 2))
    parts = [objective(drives[i : i + 4], target[i : i + 4]) for i in (0, 4, 8)]
    (ours,) = torch.autograd.grad(sum(parts) / 3, drives)
    weighted = F.cross_entropy(drives, target, 1 / torch.tensor([7.0, 3.0, 2.0]))
    (whole,) = torch.autograd.grad(weighted, drives)
    torch.testing.assert_close(ours, whole)


@pytest.mark.parametrize("kind", WEIGHTED)
@pytest.mark.parametrize("normalisation", ["training_set", "batch"])
def test_every_objective_weighs_while_training_and_never_in_evaluation(kind, normalisation, logits, target) -> None:
    given = {"class_weights": "inverse", "weight_normalisation": normalisation, "class_counts": COUNTS}
    weighted, plain = kind(3, **given), kind(3, class_counts=COUNTS)
    weights = torch.tensor([100 / 270, 100 / 27, 100 / 3])[target]
    weights = weights if normalisation == "training_set" else weights / weights.mean()
    torch.testing.assert_close(weighted.per_example(logits, target), weights * plain.per_example(logits, target))
    torch.testing.assert_close(weighted(logits, target), weighted.per_example(logits, target).mean())
    assert torch.equal(weighted.eval().per_example(logits, target), plain.eval().per_example(logits, target))
    assert torch.equal(weighted(logits, target), plain(logits, target))
    assert not weighted.state_dict(), "weights follow from the data's facts"


@pytest.mark.parametrize("kind", [LogitAdjusted, Focal, LDAM])
@pytest.mark.parametrize("soft", [False, True])
def test_forward_is_the_mean_of_the_examples(kind, soft, logits, target) -> None:
    objective = kind(3, class_counts=COUNTS)
    given = F.one_hot(target, 3).float() * 0.8 + 0.2 / 3 if soft else target
    for mode in (True, False):
        objective.train(mode)
        torch.testing.assert_close(objective(logits, given), objective.per_example(logits, given).mean())


def test_balanced_softmax_by_its_formula(logits, target) -> None:
    objective = LogitAdjusted(3, class_counts=COUNTS)
    n = torch.tensor(COUNTS).float()
    numerator = n[target] * logits.exp().gather(1, target[:, None])[:, 0]
    by_hand = -(numerator / (n * logits.exp()).sum(1)).log()
    torch.testing.assert_close(objective.per_example(logits, target), by_hand, rtol=1e-4, atol=1e-5)
    half = LogitAdjusted(3, tau=0.5, class_counts=COUNTS)
    torch.testing.assert_close(half(logits, target), F.cross_entropy(logits + 0.5 * (n / n.sum()).log(), target))


def test_ldam_by_its_formula(logits, target) -> None:
    margins = torch.tensor(COUNTS).float() ** -0.25 * 0.5
    lowered = logits - F.one_hot(target, 3) * margins
    torch.testing.assert_close(LDAM(3, class_counts=COUNTS)(logits, target), F.cross_entropy(30 * lowered, target))


@pytest.mark.parametrize("kind", [LogitAdjusted, Focal, LDAM])
def test_evaluation_is_plain_cross_entropy_of_the_probabilities(kind, logits, target) -> None:
    objective = kind(3, class_counts=COUNTS).eval()
    # LDAM's scale would drive the least probabilities to 0
    logits = logits / 30
    probabilities = objective.probabilities(logits)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(12))
    torch.testing.assert_close(
        objective.per_example(logits, target),
        F.nll_loss(probabilities.log(), target, reduction="none"),
        rtol=1e-3,
        atol=1e-3,
    )


def test_balanced_softmax_recovers_what_frequency_hides() -> None:
    # two overlapping classes at 90/10 with one feature x = -1 or 1: P(x = 1 | class) is .3 and .7
    x = torch.tensor([-1.0] * 63 + [1.0] * 27 + [-1.0] * 3 + [1.0] * 7)[:, None]
    y = torch.tensor([0] * 90 + [1] * 10)

    def at_one(objective) -> float:
        weight, bias = torch.zeros(2, 1, requires_grad=True), torch.zeros(2, requires_grad=True)
        steps = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

        def closure():
            steps.zero_grad()
            loss = objective(x @ weight.T + bias, y)
            loss.backward()
            return loss

        steps.step(closure)
        return (torch.ones(1, 1) @ weight.T + bias).softmax(1)[0, 1].item()

    # Bayes: .1 · .7 against .9 · .3; with equal classes .7 against .3
    assert at_one(CrossEntropy(2)) == pytest.approx(0.07 / 0.34, abs=1e-3)
    assert at_one(LogitAdjusted(2, class_counts=(90, 10))) == pytest.approx(0.7, abs=1e-3)
    assert at_one(CrossEntropy(2, class_weights="inverse", class_counts=(90, 10))) == pytest.approx(0.7, abs=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CrossEntropy(3, class_weights=[1, 2], class_counts=COUNTS), "one number per class; received 2 for 3"),
        (lambda: CrossEntropy(2, class_weights=[1, 0], class_counts=(1, 1)), r"greater than 0; received \[1, 0\]"),
        (lambda: CrossEntropy(3, class_weights="inverse", class_counts=(5, 0, 1)), "class 1 has none"),
        (lambda: CrossEntropy(3, class_weights="inverse", class_counts=(5, 1)), "each of 3 classes; received 2"),
        (lambda: CrossEntropy(3, class_weights="inverse"), "each of 3 classes; received none"),
        (lambda: CrossEntropy(3, class_weights="inversed", class_counts=COUNTS), "received 'inversed'"),
        (lambda: CrossEntropy(3, beta=1.0), r"loss\.beta must lie in \[0, 1\)"),
        (lambda: CrossEntropy(3, weight_normalisation="sum"), "must be training_set or batch; received 'sum'"),
        (lambda: LogitAdjusted(3), "logit adjustment needs the training examples of each of 3 classes"),
        (lambda: LogitAdjusted(3, tau=-1, class_counts=COUNTS), r"loss\.tau must be a number at least 0; received -1"),
        (lambda: Focal(3, gamma=-1), r"loss\.gamma must be a number at least 0; received -1"),
        (lambda: LDAM(3, scale=0, class_counts=COUNTS), r"loss\.scale must be a number greater than 0; received 0"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(make, message) -> None:
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize("kind", [CrossEntropy, LDAM])
def test_under_smoothing_an_example_is_weighed_whole_where_torch_weighs_terms(kind, logits, target) -> None:
    given = {"label_smoothing": 0.1, "class_weights": "inverse", "weight_normalisation": "batch"}
    weighted, plain = kind(3, **given, class_counts=COUNTS), kind(3, label_smoothing=0.1, class_counts=COUNTS)
    weights = torch.tensor([1 / 90, 1 / 9, 1.0])[target]
    by_hand = (weights * plain.per_example(logits, target)).sum() / weights.sum()
    torch.testing.assert_close(weighted(logits, target), by_hand)


def test_smoothing_lowers_no_other_class_by_a_margin(logits, target) -> None:
    margins = torch.tensor(COUNTS).float() ** -0.25 * 0.5
    lowered = 30 * (logits - F.one_hot(target, 3) * margins)
    objective = LDAM(3, label_smoothing=0.1, class_counts=COUNTS)
    expected = F.cross_entropy(lowered, target, label_smoothing=0.1, reduction="none")
    torch.testing.assert_close(objective.per_example(logits, target), expected)
    torch.testing.assert_close(objective(logits, target), expected.mean())


@pytest.mark.parametrize(
    ("objective", "otherwise"),
    [
        (CrossEntropy(3), False),
        (BinaryCrossEntropy(3), False),
        (SquaredError(3), False),
        (CrossEntropy(3, class_weights=[2, 2, 2], class_counts=COUNTS), False),
        (LogitAdjusted(3, tau=0, class_counts=COUNTS), False),
        (Focal(3, gamma=0), False),
        (CrossEntropy(3, class_weights="inverse", class_counts=COUNTS), True),
        (SquaredError(3, label_smoothing=0.1), True),
        (LogitAdjusted(3, class_counts=COUNTS), True),
        (Focal(3), True),
        (LDAM(3, class_counts=COUNTS), True),
    ],
)
def test_what_is_trained_on_may_be_another_loss_than_is_evaluated(objective, otherwise) -> None:
    for mode in (True, False):
        objective.train(mode)
        assert trains_otherwise(objective) == otherwise
        assert objective.training == mode
