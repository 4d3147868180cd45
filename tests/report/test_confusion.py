import itertools

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_score, recall_score
from sklearn.metrics import confusion_matrix as sklearn_matrix

from lit_tricks.report.figures import confusion_matrix, save_figure


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_counts_and_row_percentages():
    figure = confusion_matrix([[6, 2], [0, 12]], ["cat", "dog"])
    assert texts(figure) == [
        *["6", "75.0%", "2", "25.0%", "0", "12", "100.0%"],
        *["75.0%", "100.0%", "100.0%", "85.7%", "90.0%"],
    ]
    assert figure.get_suptitle() == "18 of 20 right (90.0%)\nmost often confused: cat → dog, 2 times"


def test_a_large_majority_brings_balanced_accuracy_into_the_headline():
    figure = confusion_matrix([[6, 2, 0], [0, 1200, 0], [0, 0, 0]], ["cat", "dog", "cow"])
    assert "1,200" in texts(figure)
    assert figure.get_suptitle().splitlines()[0] == "1,206 of 1,208 right (99.8%), balanced accuracy 87.5%"


def test_the_margins_are_recall_and_precision_of_scikit_learn():
    true, predicted = [0, 0, 0, 1, 1, 2, 2, 2, 2], [0, 1, 1, 1, 1, 2, 0, 0, 2]
    axes = confusion_matrix(sklearn_matrix(true, predicted).tolist(), ["a", "b", "c"]).axes[0]
    right = max(text.get_position()[0] for text in axes.texts)
    recall = [text.get_text() for text in axes.texts if text.get_position()[0] == right]
    precision = [text.get_text() for text in axes.texts if text.get_position()[1] == right]
    assert recall[:3] == [f"{value:.1%}" for value in recall_score(true, predicted, average=None)]
    assert precision[:3] == [f"{value:.1%}" for value in precision_score(true, predicted, average=None)]
    assert recall[3] == precision[3] == f"{accuracy_score(true, predicted):.1%}"


def test_a_class_that_nobody_predicted_has_no_precision():
    assert texts(confusion_matrix([[0, 5], [0, 45]], ["a", "b"]))[-5:] == ["0.0%", "100.0%", "none", "90.0%", "90.0%"]


def test_rows_are_true_and_columns_predicted():
    axes = confusion_matrix([[1, 0, 0], [0, 1, 0], [9, 0, 1]], ["a", "b", "c"]).axes[0]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true", "predicted")
    nine = next(text for text in axes.texts if text.get_text() == "9")
    assert nine.get_position() == (0, pytest.approx(2, abs=0.2))
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b", "c", "precision"]


def test_many_classes_become_a_heat_map_with_every_name_readable(tmp_path):
    classes = 40
    figure = confusion_matrix(np.eye(classes, dtype=int) * 5, [f"species {k} of a genus" for k in range(classes)])
    save_figure(figure, tmp_path / "matrix.png")
    assert texts(figure) == []
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert len(set(labels)) == classes
    boxes = [tick.get_window_extent() for tick in figure.axes[0].get_yticklabels()]
    assert all(upper.y0 >= lower.y1 for upper, lower in itertools.pairwise(boxes))


@pytest.mark.parametrize("classes", [2, 3, 10, 11, 40])
def test_nothing_is_clipped(classes, tmp_path):
    names = [f"{k} a name as long as names get in practice" for k in range(classes)]
    counts = np.random.default_rng(0).integers(0, 9999, (classes, classes))
    figure = confusion_matrix(counts, names)
    save_figure(figure, tmp_path / "matrix.png")
    axes, bar = figure.axes
    everything = [*axes.get_xticklabels(), *axes.get_yticklabels(), bar.yaxis.label, axes.xaxis.label, *figure.texts]
    for text in [*everything, figure._suptitle]:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1


def test_a_class_without_examples_has_no_share(tmp_path):
    figure = confusion_matrix([[5, 0], [0, 0]], ["a", "b"])
    save_figure(figure, tmp_path / "matrix.png")
    shares = figure.axes[0].collections[0].get_array()
    assert np.ma.getmaskarray(shares).tolist() == [[False, False], [True, True]]
    assert figure.get_suptitle() == "5 of 5 right (100.0%)"


def test_an_empty_matrix(tmp_path):
    figure = confusion_matrix([[0, 0], [0, 0]], ["a", "b"])
    save_figure(figure, tmp_path / "matrix.png")
    assert figure.get_suptitle() == "No examples"
