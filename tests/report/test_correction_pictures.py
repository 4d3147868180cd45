"""Reliability diagrams and precision-recall curves: what is drawn is what scikit-learn computes."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, precision_score, recall_score

from lit_tricks.report.figures import precision_recall_curves, reliability_diagram, save_figure
from lit_tricks.report.style import BLUE, VERMILION

GENERATOR = np.random.default_rng(0)
RARE = GENERATOR.uniform(size=500)
LABELS = (GENERATOR.uniform(size=500) < RARE**2).astype(int)


def pair(positive: np.ndarray) -> np.ndarray:
    return np.stack([1 - positive, positive], axis=1)


def lines(axes, colour: str) -> list:
    return [line for line in axes.get_lines() if to_hex(line.get_color()) == colour.lower()]


def test_the_curves_of_two_classes_are_scikit_learns(tmp_path: Path) -> None:
    figure = reliability_diagram(pair(RARE), pair(RARE**2), LABELS, ["a", "b"], "test")
    upper, lower = figure.axes
    for probabilities, colour in ((RARE, VERMILION), (RARE**2, BLUE)):
        true, said = calibration_curve(LABELS, probabilities, n_bins=15)
        (line,) = lines(upper, colour)
        np.testing.assert_allclose(line.get_xdata(), said)
        np.testing.assert_allclose(line.get_ydata(), true)
    assert "500 test examples" in figure.get_suptitle().replace("\n", " ")
    assert [patch.get_data().values.sum() for patch in lower.patches] == [500, 500]
    with Image.open(save_figure(figure, tmp_path / "r.png")) as picture:
        assert picture.size[0] > 800


def test_of_more_classes_the_most_probable_counts() -> None:
    probabilities = GENERATOR.dirichlet([1, 1, 1], size=400)
    targets = GENERATOR.integers(0, 3, 400)
    figure = reliability_diagram(probabilities, probabilities, targets, ["a", "b", "c"], "validation")
    true, said = calibration_curve(probabilities.argmax(1) == targets, probabilities.max(1), n_bins=15)
    (line,) = lines(figure.axes[0], BLUE)
    np.testing.assert_allclose(line.get_ydata(), true)
    error = (np.histogram(probabilities.max(1), np.linspace(0, 1, 16))[0][-len(said) :] * abs(said - true)).sum() / 400
    assert f"to {error:.1%}" in figure.get_suptitle().replace("\n", " ")


def test_the_chosen_point_lies_on_the_curve(tmp_path: Path) -> None:
    threshold, positive = 0.4, LABELS == 1
    figure = precision_recall_curves({"val": (RARE.round(1), positive), "test": (RARE, positive)}, threshold, "tu$mour")
    axes = figure.axes[0]
    for colour, scores in ((VERMILION, RARE.round(1)), ("#009E73", RARE)):
        curve, share, point = lines(axes, colour)
        precision, recall, _ = precision_recall_curve(positive, scores)
        np.testing.assert_allclose(curve.get_xdata(), recall[:-1][::-1])
        np.testing.assert_allclose(curve.get_ydata(), precision[:-1][::-1])
        assert share.get_ydata()[0] == pytest.approx(positive.mean())
        answered = scores >= threshold
        assert point.get_xdata()[0] == pytest.approx(recall_score(positive, answered))
        assert point.get_ydata()[0] == pytest.approx(precision_score(positive, answered))
    assert r"tu\$mour answered from probability 0.4 on" in figure.get_suptitle()
    save_figure(figure, tmp_path / "p.png")


def test_a_split_without_the_class_is_left_out() -> None:
    none = np.zeros(500, dtype=bool)
    figure = precision_recall_curves({"val": (RARE, LABELS == 1), "test": (RARE, none)}, 0.5, "b")
    assert "test" not in figure.get_suptitle()
