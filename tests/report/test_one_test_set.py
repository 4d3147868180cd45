"""Intervals and tests on one test set against scipy and scikit-learn."""

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score

from lit_tricks.report.one_test_set import METRICS, bootstrap_interval, mcnemar


def predictions() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    truth = random.choice(3, 400, p=[0.7, 0.2, 0.1])
    return truth, np.where(random.random(400) < 0.75, truth, random.choice(3, 400))


def test_metrics_of_the_matrix_are_those_of_the_predictions() -> None:
    truth, predicted = predictions()
    matrix = confusion_matrix(truth, predicted)
    assert METRICS["acc"](matrix) == pytest.approx(np.mean(truth == predicted))
    assert METRICS["balanced_acc"](matrix) == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert METRICS["f1_macro"](matrix) == pytest.approx(f1_score(truth, predicted, average="macro"))


@pytest.mark.parametrize(
    ("name", "statistic"),
    [("acc", lambda t, p: np.mean(t == p)), ("f1_macro", lambda t, p: f1_score(t, p, average="macro"))],
)
def test_the_interval_is_that_of_resampled_examples(name, statistic) -> None:
    truth, predicted = predictions()
    reference = bootstrap(
        (truth, predicted), statistic, paired=True, vectorized=False, n_resamples=600, method="percentile", rng=0
    ).confidence_interval
    found = bootstrap_interval(confusion_matrix(truth, predicted), name)
    assert found == pytest.approx((reference.low, reference.high), abs=0.008)


def test_a_class_that_a_resample_misses_counts_for_no_recall() -> None:
    low, high = bootstrap_interval([[50, 0], [0, 1]], "balanced_acc")
    assert (low, high) == (1.0, 1.0)


def test_mcnemar_counts_what_one_mends_and_the_other_breaks() -> None:
    baseline = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 1], dtype=bool)
    treated = np.array([1, 0, 1, 1, 1, 1, 1, 1, 0, 1], dtype=bool)
    mended, broken, p = mcnemar(baseline, treated)
    assert (mended, broken) == (6, 1)
    assert p == pytest.approx(binomtest(6, 7, 0.5).pvalue)
    assert mcnemar(baseline, baseline) == (0, 0, 1.0)
