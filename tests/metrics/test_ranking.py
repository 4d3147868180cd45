import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from lit_tricks.metrics import evaluate_predictions
from lit_tricks.metrics.ranking import one_vs_rest_areas


def expected(scores: np.ndarray, targets: np.ndarray) -> list[float | None]:
    """Count every pair: what AUROC is by definition."""
    areas: list[float | None] = []
    for k, column in enumerate(scores.T):
        mine, others = column[targets == k], column[targets != k]
        if not len(mine) or not len(others) or np.isnan(column).any():
            areas.append(None)
            continue
        wins = (mine[:, None] > others).sum() + 0.5 * (mine[:, None] == others).sum()
        areas.append(float(wins / (len(mine) * len(others))))
    return areas


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("levels", [2, 7, 10**6])
def test_counts_every_pair_whatever_the_ties(dtype: type, levels: int) -> None:
    generator = np.random.default_rng(levels)
    targets = generator.integers(0, 4, 300)
    scores = (generator.integers(0, levels, (300, 5)) / levels).astype(dtype)
    # a class that is told apart well, so that most of the others lie below all of its scores
    scores[targets == 0, 0] += 0.9
    found, _ = one_vs_rest_areas(torch.from_numpy(scores), torch.from_numpy(targets))
    assert found == expected(scores, targets)
    assert found[4] is None


def test_is_scikit_learns_to_the_last_digits() -> None:
    generator = np.random.default_rng(0)
    targets = np.arange(500) % 3
    scores = generator.random((500, 3))
    found, _ = one_vs_rest_areas(torch.from_numpy(scores), torch.from_numpy(targets))
    for k, area in enumerate(found):
        assert area == pytest.approx(roc_auc_score(targets == k, scores[:, k]), rel=1e-12)


def test_infinite_and_signed_zero_scores_have_a_rank() -> None:
    scores = np.array([[np.inf, 0.0], [np.inf, -0.0], [-np.inf, np.inf], [1.0, -np.inf]], dtype=np.float32)
    targets = np.array([0, 1, 1, 0])
    found, _ = one_vs_rest_areas(torch.from_numpy(scores), torch.from_numpy(targets))
    assert found == expected(scores, targets)
    assert found[0] == (0.5 + 1 + 0 + 1) / 4


def test_nan_spoils_its_own_class_alone() -> None:
    scores = torch.tensor([[float("nan"), 0.9, 0.0], [0.1, 0.2, 0.5], [0.3, 0.4, 0.2]])
    areas, precisions = one_vs_rest_areas(scores, torch.tensor([1, 0, 2]))
    assert areas == [None, 1.0, 0.5]
    assert precisions == [None, 1.0, 0.5]


@pytest.mark.parametrize("levels", [1, 2, 7, 10**6])
def test_average_precision_is_scikit_learns_whatever_the_ties(levels: int) -> None:
    generator = np.random.default_rng(levels)
    targets = generator.integers(0, 4, 300)
    scores = generator.integers(0, levels, (300, 5)) / levels
    scores[targets == 0, 0] += 0.9
    _, found = one_vs_rest_areas(torch.from_numpy(scores), torch.from_numpy(targets))
    assert found[4] is None
    for k in range(4):
        assert found[k] == pytest.approx(average_precision_score(targets == k, scores[:, k]), rel=1e-12)


def test_one_class_alone_has_an_average_precision_of_one_and_no_roc_curve() -> None:
    assert one_vs_rest_areas(torch.rand(5, 2), torch.ones(5, dtype=torch.int64)) == ([None, None], [None, 1.0])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_evaluation_takes_scores_of_half_precision(dtype: torch.dtype) -> None:
    probabilities = torch.tensor([[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]], dtype=dtype)
    found = evaluate_predictions(probabilities, torch.tensor([0, 1, 1]), torch.zeros(3), ["a", "b"])
    assert found.metrics["auroc"] == 1.0
