"""A fitted classifier's scores say what scikit-learn says, for classifiers of every kind."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, make_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, LinearSVC, NuSVC

from lit_tricks.classical import EstimatorScores, FittedEstimator, estimator_facts
from lit_tricks.metrics import evaluate_predictions

# noise enough that forests and votes of one against one tie
INPUTS, LABELS = make_classification(600, 8, n_informative=5, n_classes=5, class_sep=0.3, flip_y=0.3, random_state=0)
INPUTS = INPUTS.astype(np.float32)
TRAIN, TEST = slice(0, 300), slice(300, 600)
TWO = LABELS < 2

SEVERAL: dict[str, Any] = {
    "votes of one against one": SVC(),
    "votes whose ties are broken": SVC(break_ties=True),
    "values of every pair": SVC(decision_function_shape="ovo"),
    "nu": NuSVC(nu=0.2),
    "one against the rest": LinearSVC(),
    "no scores at all": VotingClassifier([("a", LinearSVC()), ("b", Perceptron())]),
    "shares of neighbours": KNeighborsClassifier(4),
    "shares of trees": RandomForestClassifier(10, max_depth=3, random_state=0),
    "softmax": LogisticRegression(),
    "always the same": DummyClassifier(strategy="most_frequent"),
}
BINARY: dict[str, Any] = {
    "one value": SVC(),
    "one value, nu": NuSVC(nu=0.2),
    "one value, linear": LinearSVC(),
    "another threshold": FixedThresholdClassifier(LogisticRegression(), threshold=0.8),
}


def fitted(estimator: Any, binary: bool = False) -> tuple[FittedEstimator, np.ndarray, np.ndarray]:
    """Return the classifier as a network, and inputs it has not seen with their labels."""
    inputs, labels = (INPUTS[TWO], LABELS[TWO]) if binary else (INPUTS, LABELS)
    half = len(inputs) // 2
    estimator.fit(inputs[:half], labels[:half])
    return FittedEstimator(estimator, labels.max() + 1), inputs[half:], labels[half:]


@pytest.mark.parametrize(
    ("estimator", "binary"),
    [(each, False) for each in SEVERAL.values()] + [(each, True) for each in BINARY.values()],
    ids=[*SEVERAL, *BINARY],
)
def test_the_largest_score_is_the_answer_of_predict(estimator: Any, binary: bool) -> None:
    network, inputs, _ = fitted(estimator, binary)
    scores = network(torch.from_numpy(inputs))
    assert scores.dtype == torch.float32
    assert scores.shape == (len(inputs), 2 if binary else 5)
    assert scores.min() >= 0
    assert scores.max() <= 1
    np.testing.assert_array_equal(scores.argmax(1), estimator.predict(inputs))


def test_the_data_hold_what_makes_answers_hard() -> None:
    machine, inputs, _ = fitted(SVC())
    assert (machine.estimator.decision_function(inputs).argmax(1) != machine.estimator.predict(inputs)).any()
    neighbours, inputs, _ = fitted(KNeighborsClassifier(4))
    chances = np.sort(neighbours.estimator.predict_proba(inputs))
    assert (chances[:, -1] == chances[:, -2]).any()
    cautious, inputs, _ = fitted(BINARY["another threshold"], binary=True)
    likelier = cautious.estimator.predict_proba(inputs).argmax(1)
    assert (likelier != cautious.estimator.predict(inputs)).any()


def test_probabilities_are_those_of_the_classifier_and_so_is_the_loss() -> None:
    network, inputs, labels = fitted(LogisticRegression())
    scores, objective = network(torch.from_numpy(inputs)), EstimatorScores(network.probabilistic)
    expected = network.estimator.predict_proba(inputs)
    np.testing.assert_allclose(objective.probabilities(scores), expected, atol=1e-6)
    losses = objective.per_example(scores, torch.from_numpy(labels))
    assert losses.shape == (len(inputs),)
    assert losses.mean().item() == pytest.approx(log_loss(labels, expected), rel=1e-6)


def test_a_probability_of_zero_costs_what_it_costs_in_scikit_learn() -> None:
    network, inputs, labels = fitted(DummyClassifier(strategy="most_frequent"))
    losses = EstimatorScores(True).per_example(network(torch.from_numpy(inputs)), torch.from_numpy(labels))
    expected = log_loss(labels, network.estimator.predict_proba(inputs), labels=range(5))
    assert losses.mean().item() == pytest.approx(expected)


@pytest.mark.parametrize("binary", [False, True])
def test_decision_values_keep_their_auroc_and_have_no_loss(binary: bool) -> None:
    estimator = LinearSVC()
    network, inputs, labels = fitted(estimator, binary)
    scores, targets = network(torch.from_numpy(inputs)), torch.from_numpy(labels)
    losses = EstimatorScores(network.probabilistic).per_example(scores, targets)
    names = [str(k) for k in range(scores.shape[1])]
    found = evaluate_predictions(scores, targets, losses, names)
    assert found.metrics["loss"] is None
    decisions = estimator.decision_function(inputs)
    if binary:
        assert found.metrics["auroc"] == pytest.approx(roc_auc_score(labels, decisions))
    else:
        one_by_one = [roc_auc_score(labels == k, decisions[:, k]) for k in range(5)]
        assert found.metrics["auroc"] == pytest.approx(np.mean(one_by_one))


def test_images_are_flattened_and_unseen_classes_score_nothing() -> None:
    images, digits = load_digits(return_X_y=True)
    some = np.isin(digits, [1, 7])
    estimator = LogisticRegression().fit(images[some], digits[some])
    scores = FittedEstimator(estimator, 10)(torch.from_numpy(images[some][:20]).view(20, 1, 8, 8).float())
    assert set(scores.nonzero()[:, 1].tolist()) == {1, 7}
    np.testing.assert_array_equal(scores.argmax(1), digits[some][:20])


def test_facts_count_what_was_learnt() -> None:
    logistic, _, _ = fitted(LogisticRegression())
    assert estimator_facts(logistic.estimator)["n_params"] == 5 * 8 + 5
    two, _, _ = fitted(LinearSVC(), binary=True)
    assert estimator_facts(two.estimator)["n_params"] == 8 + 1
    mlp = MLPClassifier([3], max_iter=300, random_state=0, tol=1e-1)
    assert estimator_facts(fitted(mlp)[0].estimator)["n_params"] == 8 * 3 + 3 + 3 * 5 + 5
    machine, _, _ = fitted(SVC())
    vectors = len(machine.estimator.support_vectors_)
    facts = estimator_facts(machine.estimator)
    assert (facts["support_vectors"], facts["n_params"]) == (vectors, 4 * vectors + 10)
    assert (facts["estimator"], facts["probabilistic"]) == ("SVC", False)
    forest, _, _ = fitted(SEVERAL["shares of trees"])
    assert estimator_facts(forest.estimator) == {
        "estimator": "RandomForestClassifier", "probabilistic": True, "n_params": None, "epochs": None, "steps": None,
    }  # fmt: skip
