"""Thresholds, against brute force over every threshold there is and against scikit-learn."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import f1_score, make_scorer, precision_recall_curve, precision_score, recall_score
from sklearn.model_selection import TunedThresholdClassifierCV

from lit_tricks.corrections.threshold import Thresholds, choose_threshold

RATIO, RECALL = 7.0, 0.83


def sample(seed: int, count: int = 150, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    positive = generator.uniform(size=count) < 0.2
    positive[:2] = [True, False]
    scores = 1 / (1 + np.exp(-generator.normal(2.0 * positive - 1.5, 1.0)))
    return (scores.round(1) if ties else scores), positive


def cost(positive: np.ndarray, answered: np.ndarray) -> float:
    return RATIO * (positive & ~answered).sum() + (answered & ~positive).sum()


QUALITY = {
    "fitted_cost": lambda positive, answered: -cost(positive, answered),
    "f1": lambda positive, answered: f1_score(positive, answered, zero_division=0),
    "recall": lambda positive, answered: (
        (precision_score(positive, answered, zero_division=0), recall_score(positive, answered))
        if recall_score(positive, answered) >= RECALL
        else (-1.0, 0.0)
    ),
}


@pytest.mark.parametrize("rule", QUALITY)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_no_other_threshold_is_better(rule, ties, seed) -> None:
    scores, positive = sample(seed, ties=ties)
    chosen = choose_threshold(scores, positive, np.ones(len(scores)), rule, RATIO, RECALL)
    every = [QUALITY[rule](positive, scores >= threshold) for threshold in [*np.unique(scores), 1.1]]
    answered = scores >= chosen.value
    assert QUALITY[rule](positive, answered) == pytest.approx(max(every))
    assert chosen.recall == pytest.approx(recall_score(positive, answered))
    assert chosen.precision == pytest.approx(precision_score(positive, answered, zero_division=1))
    assert chosen.f1 == pytest.approx(f1_score(positive, answered))
    assert chosen.cost == pytest.approx(cost(positive, answered) / len(scores))


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_repetitions(seed) -> None:
    scores, positive = sample(seed)
    times = np.random.default_rng(seed).integers(1, 4, len(scores))
    repeated = np.repeat(np.arange(len(scores)), times)
    for rule in QUALITY:
        expected = choose_threshold(scores[repeated], positive[repeated], np.ones(len(repeated)), rule, RATIO, RECALL)
        assert choose_threshold(scores, positive, times.astype(float), rule, RATIO, RECALL) == expected


@pytest.mark.parametrize("ratio", [0.2, 1.0, 9.0, 99.0])
def test_cost_is_the_bayes_threshold(ratio) -> None:
    scores = np.random.default_rng(0).uniform(size=40_000)
    positive = np.random.default_rng(1).uniform(size=len(scores)) < scores
    chosen = choose_threshold(scores, positive, np.ones(len(scores)), "cost", ratio, RECALL)
    assert chosen.value == 1 / (1 + ratio)
    # probabilities that are right: what is fitted on many comes near
    fitted = choose_threshold(scores, positive, np.ones(len(scores)), "fitted_cost", ratio, RECALL)
    assert fitted.value == pytest.approx(chosen.value, abs=0.03)
    answered = scores >= chosen.value
    expected = (ratio * (positive & ~answered).sum() + (answered & ~positive).sum()) / len(scores)
    assert chosen.cost == pytest.approx(expected)


def test_the_curve_is_scikit_learns() -> None:
    scores, positive = sample(0, ties=True)
    found = Thresholds.of(scores, positive, np.ones(len(scores)))
    precision, recall, _ = precision_recall_curve(positive, scores)
    np.testing.assert_allclose(found.precision, precision[::-1])
    np.testing.assert_allclose(found.recall, recall[::-1])
    assert (np.diff(found.values) < 0).all()
    assert not (scores >= found.values[0]).any()
    assert (scores >= found.values[-1]).all()
    assert not np.isin(scores, found.values[1:-1]).any()


class Given(ClassifierMixin, BaseEstimator):
    """Takes its one input for the probability of class 1."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> "Given":
        self.classes_ = np.array([0, 1])
        self.fitted_ = True
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return np.stack([1 - x[:, 0], x[:, 0]], axis=1)


@pytest.mark.parametrize("seed", range(3))
def test_scikit_learn_finds_none_better(seed) -> None:
    scores, positive = sample(seed, count=400)
    labels = positive.astype(int)
    for rule, scorer in {
        "f1": "f1",
        "fitted_cost": make_scorer(lambda y, p: -cost(y == 1, p == 1)),
    }.items():
        tuned = TunedThresholdClassifierCV(
            Given().fit(scores[:, None], labels), scoring=scorer, cv="prefit", refit=False, thresholds=1000
        ).fit(scores[:, None], labels)
        chosen = choose_threshold(scores, positive, np.ones(len(scores)), rule, RATIO, RECALL)
        best = chosen.f1 if rule == "f1" else -chosen.cost * len(scores)
        assert best >= tuned.best_score_ - 1e-9
        assert best == pytest.approx(tuned.best_score_, abs=0.02 if rule == "f1" else 2)


def test_saturated_scores_leave_never_and_always() -> None:
    scores, positive = np.ones(6), np.array([True, False, False, False, False, False])
    rare = choose_threshold(scores, positive, np.ones(6), "fitted_cost", 2.0, RECALL)
    assert not (scores >= rare.value).any()
    dear = choose_threshold(scores, positive, np.ones(6), "fitted_cost", 20.0, RECALL)
    assert (scores >= dear.value).all()
