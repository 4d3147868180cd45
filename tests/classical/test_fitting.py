"""Fitting does what scikit-learn does by hand, and says what it cannot do."""

import csv
import io

import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from lit_tricks.classical import GridSearch, fit_estimator
from lit_tricks.classical.grid_search import first_of_equals
from lit_tricks.errors import UserError

INPUTS, LABELS = make_moons(200, noise=0.3, random_state=0)
INPUTS = INPUTS.astype(np.float32)
GRID = {"C": [0.5, 5, 50], "gamma": [2, 1, 0.5, 0.25]}


def test_random_parts_follow_the_seed_however_many_threads_work() -> None:
    fits = [fit_estimator(RandomForestClassifier(20), INPUTS, LABELS, 7, threads).estimator for threads in (1, 2)]
    by_hand = RandomForestClassifier(20, random_state=7).fit(INPUTS, LABELS)
    for forest in fits:
        np.testing.assert_array_equal(forest.predict_proba(INPUTS), by_hand.predict_proba(INPUTS))
    other = fit_estimator(RandomForestClassifier(20), INPUTS, LABELS, 8, 1).estimator
    assert (other.predict_proba(INPUTS) != by_hand.predict_proba(INPUTS)).any()


def test_a_seed_of_the_users_own_stays_and_inner_classifiers_get_one() -> None:
    own = fit_estimator(RandomForestClassifier(5, random_state=3), INPUTS, LABELS, 7, 1).estimator
    assert own.random_state == 3
    nested = fit_estimator(BaggingClassifier(DecisionTreeClassifier(), 3), INPUTS, LABELS, 7, 1).estimator
    assert (nested.random_state, nested.estimator.random_state) == (7, 7)


def test_what_scikit_learn_warns_of_is_a_remark() -> None:
    fit = fit_estimator(LogisticRegression(max_iter=1), INPUTS, LABELS, 0, 1)
    assert any("failed to converge" in remark for remark in fit.remarks)


@pytest.mark.parametrize(
    ("estimator", "labels", "message"),
    [
        (SVC(C=-1), LABELS, r"SVC said: The 'C' parameter of SVC must be a float in the range"),
        (KNeighborsClassifier(201), LABELS, r"KNeighborsClassifier said: Expected n_neighbors <= n_samples_fit"),
        (SVC(), np.zeros(200, dtype=np.int64), r"at least 2 classes in the training split; received 1"),
        (GridSearch(SVC(), C=[-1]), LABELS, r"model must accept its keys and the data"),
    ],
)
def test_what_it_cannot_fit_is_the_users_to_mend(estimator: object, labels: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fit_estimator(estimator, INPUTS, labels, 0, 1)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_grid_search_is_that_of_scikit_learn(threads: int) -> None:
    fit = fit_estimator(GridSearch(SVC(), folds=3, **GRID), INPUTS, LABELS, 0, threads)
    by_hand = GridSearchCV(SVC(), GRID, cv=3).fit(INPUTS, LABELS)
    assert fit.search is not None
    found = by_hand.cv_results_
    assert [{name: row[name] for name in GRID} for row in fit.search.rows] == found["params"]
    for column, expected in {"mean": "mean_test_score", "std": "std_test_score", "fold_2": "split1_test_score"}.items():
        np.testing.assert_array_equal([row[column] for row in fit.search.rows], found[expected])
    assert fit.search.facts()["best"] == by_hand.best_params_
    np.testing.assert_array_equal(fit.estimator.predict(INPUTS), by_hand.predict(INPUTS))


def test_differences_of_less_than_half_an_example_count_for_nothing() -> None:
    found = {"mean_test_score": [0.9, 0.95 - 1e-8, 0.95, 0.95 + 1e-8, 0.94]}
    assert first_of_equals(found, 0.5 / 200) == 1
    assert first_of_equals(found, 0) == 3


def test_equals_share_a_rank() -> None:
    # 67, 67 and 66 examples are left out in turn: 180 right in all is not one mean but several
    fit = fit_estimator(GridSearch(SVC(), folds=3, C=[1.0, 1.0 + 1e-12, 1e-9]), INPUTS, LABELS, 0, 1)
    assert fit.search is not None
    assert [row["rank"] for row in fit.search.rows] == [1, 1, 3]
    assert fit.search.best == 0


def test_the_table_reads_back() -> None:
    fit = fit_estimator(GridSearch(SVC(), folds=2, scoring="balanced_accuracy", **GRID), INPUTS, LABELS, 0, 1)
    assert fit.search is not None
    rows = list(csv.DictReader(io.StringIO(fit.search.to_csv())))
    assert list(rows[0]) == [
        "C", "gamma", "rank", "balanced_accuracy_mean", "balanced_accuracy_std", "balanced_accuracy_fold_1",
        "balanced_accuracy_fold_2", "fit_seconds",
    ]  # fmt: skip
    best = min(rows, key=lambda row: int(row["rank"]))
    facts = fit.search.facts()
    assert float(best["balanced_accuracy_mean"]) == facts["score"]
    assert (facts["scoring"], facts["folds"], facts["candidates"]) == ("balanced_accuracy", 2, 12)


def test_a_random_search_of_scikit_learn_leaves_its_table_too() -> None:
    search = RandomizedSearchCV(KNeighborsClassifier(), {"n_neighbors": range(1, 30)}, n_iter=5, cv=3)
    fit = fit_estimator(search, INPUTS, LABELS, 0, 1)
    assert fit.search is not None
    assert len(fit.search.rows) == 5
    assert fit.estimator.n_neighbors == fit.search.facts()["best"]["n_neighbors"]


def test_several_scores_are_one_too_many() -> None:
    search = GridSearchCV(SVC(), {"C": [1]}, scoring=["accuracy", "f1_macro"], refit="accuracy", cv=2)
    with pytest.raises(UserError, match="a search must judge by one score"):
        fit_estimator(search, INPUTS, LABELS, 0, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"estimator": SVR(), "C": [1]}, "model.estimator must be a classifier; received SVR"),
        ({"estimator": SVC()}, "needs a parameter with values to try"),
        ({"estimator": SVC(), "neighbours": [1]}, "model.neighbours is no parameter of SVC; it has C, break_ties"),
        ({"estimator": SVC(), "C": []}, "model.C must list values to try"),
        ({"estimator": SVC(), "kernel": "rbf"}, "model.kernel must list values to try; received 'rbf'"),
        ({"estimator": SVC(), "C": [1], "folds": 1}, "model.folds must be a whole number of at least 2; received 1"),
    ],
)
def test_a_grid_that_cannot_be_searched_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        GridSearch(**arguments)


@pytest.mark.parametrize(("rare", "remedy"), [(4, "try model.folds=4"), (1, "take more training examples")])
def test_every_fold_needs_every_class(rare: int, remedy: str) -> None:
    labels = np.repeat([0, 1], [200 - rare, rare])
    with pytest.raises(UserError, match=rf"model.folds=5, and the rarest class has {rare} .*{remedy}"):
        GridSearch(SVC(), C=[1]).searcher(labels)
