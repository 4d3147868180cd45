import json
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn import metrics as imblearn
from sklearn import metrics as reference

from lit_tricks.metrics import evaluate_predictions


def names(classes):
    return [f"class {k}" for k in range(classes)]


def evaluate(probabilities, targets, losses=None):
    probabilities = torch.as_tensor(probabilities, dtype=torch.float32)
    targets = torch.as_tensor(targets, dtype=torch.int64)
    losses = torch.ones(len(targets)) if losses is None else torch.as_tensor(losses)
    return evaluate_predictions(probabilities, targets, losses, names(probabilities.shape[1]))


def one_vs_rest(probabilities, targets, k):
    positive = np.asarray(targets) == k
    if positive.all() or not positive.any():
        return None
    return reference.roc_auc_score(positive, np.asarray(probabilities)[:, k])


@st.composite
def predictions(draw):
    """Random, degenerate and tied predictions, often with absent classes and rows that do not sum to one."""
    classes = draw(st.integers(2, 6))
    count = draw(st.integers(1, 25))
    offered = draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=classes, unique=True))
    targets = draw(st.lists(st.sampled_from(offered), min_size=count, max_size=count))
    value = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1, width=32))
    rows = draw(st.lists(st.lists(value, min_size=classes, max_size=classes), min_size=count, max_size=count))
    return np.array(rows, dtype=np.float32), np.array(targets)


@settings(max_examples=150, deadline=None)
@given(predictions())
def test_agrees_with_scikit_learn(case):
    probabilities, targets = case
    found = evaluate(probabilities, targets)
    predicted, classes = probabilities.argmax(1), probabilities.shape[1]
    present = sorted(set(targets.tolist()))
    precision, recall, f1, support = reference.precision_recall_fscore_support(
        targets, predicted, labels=range(classes), zero_division=0
    )
    assert found.confusion_matrix == reference.confusion_matrix(targets, predicted, labels=range(classes)).tolist()
    assert found.metrics["acc"] == pytest.approx(reference.accuracy_score(targets, predicted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found.metrics["balanced_acc"] == pytest.approx(reference.balanced_accuracy_score(targets, predicted))
    assert found.metrics["precision_macro"] == pytest.approx(precision[present].mean())
    assert found.metrics["recall_macro"] == pytest.approx(recall[present].mean())
    assert found.metrics["f1_macro"] == pytest.approx(f1[present].mean())
    areas = [one_vs_rest(probabilities, targets, k) for k in range(classes)]
    for k, name in enumerate(names(classes)):
        row = found.per_class[name]
        assert row["support"] == support[k]
        assert row["auroc"] == (None if areas[k] is None else pytest.approx(areas[k], abs=1e-6))
        if k in present:
            assert (row["precision"], row["recall"], row["f1"]) == pytest.approx((precision[k], recall[k], f1[k]))
        else:
            assert (row["precision"], row["recall"], row["f1"]) == (None, None, None)
    expected = (
        areas[1] if classes == 2 else np.mean(defined) if (defined := [a for a in areas if a is not None]) else None
    )
    assert found.metrics["auroc"] == (None if expected is None else pytest.approx(expected, abs=1e-6))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found.metrics["mcc"] == pytest.approx(reference.matthews_corrcoef(targets, predicted), abs=1e-12)
    check_rates_of_the_others(found, targets, predicted)
    check_calibration(found, probabilities, targets)
    json.dumps(found.to_dict(), allow_nan=False)


def check_rates_of_the_others(found, targets, predicted):
    present = sorted(set(targets.tolist()))
    recall = [np.mean(predicted[targets == k] == k) for k in present]
    assert found.metrics["gmean"] == pytest.approx(np.prod(recall) ** (1 / len(present)), abs=1e-12)
    if set(predicted.tolist()) <= set(present):
        assert found.metrics["gmean"] == pytest.approx(imblearn.geometric_mean_score(targets, predicted), abs=1e-9)
    for k, row in enumerate(found.per_class.values()):
        if k not in present or len(present) == 1:
            assert row["specificity"] is None
            continue
        one = imblearn.specificity_score(targets == k, predicted == k, average="binary")
        assert row["specificity"] == pytest.approx(one)


def check_calibration(found, probabilities, targets):
    classes = probabilities.shape[1]
    one_hot = np.eye(classes)[targets]
    halved = 2 if classes == 2 else 1
    assert found.metrics["brier"] == pytest.approx(((probabilities - one_hot) ** 2).sum(1).mean() / halved, abs=1e-6)
    for k, row in enumerate(found.per_class.values()):
        if row["support"] == 0:
            assert (row["ece"], row["ap"]) == (None, None)
            continue
        of = probabilities[:, k].astype(np.float64)
        places = np.minimum((of * 15).astype(int), 14)
        distances = [
            abs(of[places == b].mean() - one_hot[places == b, k].mean()) * (places == b).mean() for b in set(places)
        ]
        assert row["ece"] == pytest.approx(sum(distances), abs=1e-6)
        assert row["ap"] == pytest.approx(reference.average_precision_score(one_hot[:, k], of), abs=1e-9)


@pytest.mark.parametrize("classes", [2, 4])
def test_brier_is_scikit_learns(classes):
    generator = np.random.default_rng(classes)
    probabilities = generator.dirichlet(np.ones(classes), size=300)
    targets = generator.integers(0, classes, 300)
    expected = reference.brier_score_loss(targets, probabilities[:, 1] if classes == 2 else probabilities)
    assert evaluate(probabilities, targets).metrics["brier"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("answers", "targets"),
    [([0] * 100, [0] * 90 + [1] * 10), ([0] * 90 + [1] * 10, [0] * 100), ([2] * 5, [2] * 5)],
)
def test_mcc_is_zero_where_it_is_undefined(answers, targets):
    found = evaluate(np.eye(3)[answers] * 0.8 + 0.1, targets)
    assert found.metrics["mcc"] == 0.0


def test_a_sure_but_wrong_class_is_badly_calibrated_and_a_true_frequency_is_not():
    often = evaluate(np.tile([0.9, 0.1], (100, 1)), [0] * 90 + [1] * 10)
    assert often.metrics["ece_macro"] == pytest.approx(0.0, abs=1e-6)
    sure = evaluate(np.tile([1.0, 0.0], (100, 1)), [0] * 90 + [1] * 10)
    assert sure.metrics["ece_macro"] == pytest.approx(0.1)
    assert sure.metrics["brier"] == pytest.approx(0.1)


def test_scores_that_are_no_probabilities_have_no_calibration():
    found = evaluate([[-1.0, 3.0], [2.0, -0.5], [1.0, 0.0]], [1, 0, 1])
    assert (found.metrics["brier"], found.metrics["ece_macro"]) == (None, None)
    assert found.metrics["ap"] == 1.0


def test_multiclass_auroc_is_scikit_learns_macro_average():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(5), size=200)
    targets = np.arange(200) % 5
    expected = reference.roc_auc_score(targets, probabilities, multi_class="ovr", average="macro")
    assert evaluate(probabilities, targets).metrics["auroc"] == pytest.approx(expected, abs=1e-6)


def test_absent_class_does_not_drag_macro_values_down():
    # class 2 has no example, yet one example is predicted as it
    found = evaluate(np.eye(3)[[0, 0, 1, 2]], [0, 0, 1, 1])
    assert found.absent_classes == ["class 2"]
    assert found.metrics["recall_macro"] == pytest.approx((1 + 0.5) / 2)
    assert found.metrics["precision_macro"] == pytest.approx(1)
    undefined = ("precision", "recall", "f1", "auroc", "ap", "specificity", "ece")
    assert found.per_class["class 2"] == {"support": 0, **dict.fromkeys(undefined)}
    assert found.metrics["gmean"] == pytest.approx(0.5**0.5)


def test_predictor_of_the_majority_alone_looks_as_bad_as_it_is():
    found = evaluate(np.tile([0.9, 0.1], (100, 1)), [0] * 90 + [1] * 10)
    assert found.metrics["acc"] == pytest.approx(0.9)
    assert found.metrics["balanced_acc"] == pytest.approx(0.5)
    assert found.metrics["auroc"] == pytest.approx(0.5)
    assert found.per_class["class 1"]["precision"] == 0.0


def test_one_example_has_no_auroc():
    found = evaluate([[0.2, 0.8]], [1], [0.25])
    assert found.metrics == {
        "loss": 0.25,
        "acc": 1.0,
        "balanced_acc": 1.0,
        "precision_macro": 1.0,
        "recall_macro": 1.0,
        "f1_macro": 1.0,
        "auroc": None,
        "ap": 1.0,
        "specificity_macro": None,
        "gmean": 1.0,
        "mcc": 0.0,
        "brier": pytest.approx(0.04),
        "ece_macro": pytest.approx(0.2),
    }


@pytest.mark.parametrize(("counts", "rarer"), [(None, 1), ([50, 50], 1), ([90, 10], 1), ([10, 90], 0)])
def test_average_precision_of_two_classes_is_that_of_the_rarer_in_training(counts, rarer):
    generator = np.random.default_rng(2)
    probabilities = generator.dirichlet(np.ones(2), size=60).astype(np.float32)
    targets = generator.integers(0, 2, 60)
    arguments = (torch.from_numpy(probabilities), torch.from_numpy(targets), torch.ones(60), names(2))
    found = evaluate_predictions(*arguments, class_counts=counts)
    expected = reference.average_precision_score(targets == rarer, probabilities[:, rarer])
    assert found.metrics["ap"] == pytest.approx(expected, abs=1e-9)
    assert found.metrics["auroc"] == pytest.approx(one_vs_rest(probabilities, targets, 1), abs=1e-6)


def test_the_geometric_mean_of_very_many_recalls_is_not_rounded_to_nothing():
    # 0.4 to the power of 1,000 is below the smallest double
    targets = np.repeat(np.arange(1000), 5)
    right = np.tile([1, 1, 0, 0, 0], 1000).astype(bool)
    answers = torch.from_numpy(np.where(right, targets, (targets + 1) % 1000))
    arguments = (torch.zeros(5000, 1000), torch.from_numpy(targets), torch.ones(5000), names(1000))
    assert evaluate_predictions(*arguments, answers).metrics["gmean"] == pytest.approx(0.4, rel=1e-12)
    answers[:5] = 1
    assert evaluate_predictions(*arguments, answers).metrics["gmean"] == 0.0


def test_perfect_predictions():
    targets = torch.arange(40) % 4
    found = evaluate(torch.eye(4)[targets], targets, torch.zeros(40))
    perfect = {key: 0.0 if key in ("loss", "brier", "ece_macro") else 1.0 for key in found.metrics}
    assert found.metrics == pytest.approx(perfect, abs=1e-12)
    assert len(found.metrics) == 13
    assert found.absent_classes == []


def test_ties_go_to_the_first_class_and_count_half():
    found = evaluate(np.full((6, 3), 0.3), [0, 0, 1, 1, 2, 2])
    assert [row[0] for row in found.confusion_matrix] == [2, 2, 2]
    assert found.metrics["auroc"] == pytest.approx(0.5)


def test_auroc_ranks_values_that_are_no_probabilities():
    # a float32 sigmoid would make 20, 30 and 40 equal
    scores = np.array([[-20.0, 20.0], [-30.0, 30.0], [-40.0, 40.0], [5.0, -5.0]])
    assert evaluate(scores, [0, 1, 1, 0]).metrics["auroc"] == 1.0


def test_values_that_are_not_finite_become_none():
    found = evaluate([[float("nan"), 0.2], [0.1, 0.9]], [0, 1], [float("nan"), 1.0])
    assert found.metrics["loss"] is None
    assert found.per_class["class 0"]["auroc"] is None
    assert found.metrics["auroc"] == 1.0


def test_loss_is_averaged_in_double_precision():
    losses = torch.full((100_000,), 0.1)
    targets = torch.arange(100_000) % 2
    found = evaluate(torch.eye(2)[targets], targets, losses)
    assert found.metrics["loss"] == pytest.approx(float(losses[0]), rel=1e-12)


@pytest.mark.parametrize(
    ("probabilities", "targets", "losses", "class_names", "message"),
    [
        (torch.zeros(2, 3), torch.tensor([0, 1]), torch.zeros(2), ["a", "b"], r"must be \(N, 2\)"),
        (torch.zeros(2, 2), torch.tensor([0, 1]), torch.zeros(1), ["a", "b"], r"and \(1,\)"),
        (torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64), torch.zeros(0), ["a", "b"], "received none"),
        (torch.zeros(1, 2), torch.tensor([2]), torch.zeros(1), ["a", "b"], r"\[0, 2\); received 2"),
        (torch.zeros(1, 2), torch.tensor([1]), torch.zeros(1), ["a", "a"], "must differ"),
    ],
)
def test_refuses_what_it_cannot_evaluate(probabilities, targets, losses, class_names, message):
    with pytest.raises(ValueError, match=message):
        evaluate_predictions(probabilities, targets, losses, class_names)


def test_answers_may_be_other_classes_than_the_most_probable() -> None:
    probabilities, targets = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4]]), torch.tensor([0, 1, 1])
    losses = torch.zeros(3)
    plain = evaluate_predictions(probabilities, targets, losses, ["a", "b"])
    given = evaluate_predictions(probabilities, targets, losses, ["a", "b"], torch.tensor([0, 0, 1]))
    assert plain.confusion_matrix == [[1, 0], [2, 0]]
    assert given.confusion_matrix == [[1, 0], [1, 1]]
    assert given.metrics["balanced_acc"] == pytest.approx(0.75)
    for name in ("loss", "auroc", "ap", "brier", "ece_macro"):
        assert given.metrics[name] == plain.metrics[name]
