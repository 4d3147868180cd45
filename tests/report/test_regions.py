import numpy as np
import pytest
from matplotlib.colors import to_hex

from lit_tricks.report.figures import Regions, decision_regions, save_figure
from lit_tricks.report.regions import MOST_POINTS, STEPS


def halves(points):
    """Answer 1 right of the vertical line through 2, else 0."""
    return np.stack([np.full(len(points), 2.0), points[:, 0]], axis=1)


def thirds(points):
    """Answer by which of three lines through the origin is nearest."""
    angles = np.arctan2(points[:, 1], points[:, 0])
    return np.stack([np.cos(angles - centre) for centre in (0, 2.1, 4.2)], axis=1)


POINTS = np.array([[0.0, 0.0], [1.0, 5.0], [3.0, 1.0], [4.0, 2.0], [2.5, 3.0]])
LABELS = np.array([0, 0, 1, 1, 0])


def borders(figure):
    """Return the points of every border line."""
    lines = [line for drawn in figure.axes[0].collections if hasattr(drawn, "levels") for line in drawn.get_paths()]
    return np.concatenate([line.vertices for line in lines])


def test_the_background_is_the_answer_at_each_place():
    figure = decision_regions(Regions.of(halves, POINTS, LABELS, ["left", "right"]))
    (image,) = figure.axes[0].images
    left, right, low, high = image.get_extent()
    assert (left, right) == pytest.approx((-0.32, 4.32))
    assert (low, high) == pytest.approx((-0.4, 5.4))
    answers = np.asarray(image.get_array())
    across = np.linspace(left, right, STEPS)
    np.testing.assert_array_equal(answers, np.broadcast_to(across > 2, answers.shape))


def test_the_border_lies_where_two_classes_are_equal():
    figure = decision_regions(Regions.of(halves, POINTS, LABELS, ["left", "right"]))
    np.testing.assert_allclose(borders(figure)[:, 0], 2, atol=1e-5)


def test_each_class_has_its_colour_and_marker_and_mistakes_a_black_edge(tmp_path):
    figure = decision_regions(Regions.of(halves, POINTS, LABELS, ["left", "right"], ("width (cm)", "cost in $")))
    drawn = [each for each in figure.axes[0].collections if len(each.get_offsets()) and not hasattr(each, "levels")]
    seen = {
        tuple(np.ravel(each.get_offsets())): to_hex(each.get_edgecolor()[0]) for each in drawn if each.get_sizes()[0]
    }
    assert seen[(2.5, 3.0)] == "#000000"
    assert seen[(0.0, 0.0, 1.0, 5.0)] == seen[(3.0, 1.0, 4.0, 2.0)] == "#ffffff"
    assert len({to_hex(each.get_facecolor()[0]) for each in drawn}) == 2
    assert figure.axes[0].get_xlabel() == "width (cm)"
    assert figure.axes[0].get_ylabel() == r"cost in \$"
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == ["left", "right", "wrong"]
    assert figure.get_suptitle() == (
        "4 of 5 test points lie in their own class's region (80.0%)\nthe background is the answer at each place"
    )
    save_figure(figure, tmp_path / "regions.png")


def test_of_many_points_all_mistakes_are_drawn():
    generator = np.random.default_rng(0)
    points = generator.uniform(0, 4, (5000, 2))
    labels = (points[:, 0] > 2).astype(int)
    labels[::500] = 1 - labels[::500]
    figure = decision_regions(Regions.of(halves, points, labels, ["left", "right"], split="training"))
    sizes = [len(each.get_offsets()) for each in figure.axes[0].collections if not hasattr(each, "levels")]
    assert sum(sizes) == MOST_POINTS
    assert " ".join(figure.get_suptitle().split()) == (
        "4,990 of 5,000 training points lie in their own class's region (99.8%) "
        "the background is the answer at each place; 1,000 points are drawn"
    )


def test_several_classes_and_a_single_answer_are_drawn(tmp_path):
    points = np.random.default_rng(0).normal(size=(60, 2))
    figure = decision_regions(Regions.of(thirds, points, thirds(points).argmax(1), ["a", "b", "c"]))
    assert set(np.unique(figure.axes[0].images[0].get_array())) == {0, 1, 2}
    save_figure(figure, tmp_path / "three.png")
    alone = decision_regions(
        Regions.of(lambda p: np.tile([0.0, 1.0], (len(p), 1)), points[:1], np.array([1]), ["a", "b"])
    )
    assert set(np.unique(alone.axes[0].images[0].get_array())) == {1}
    assert "wrong" not in [text.get_text() for text in alone.axes[0].get_legend().get_texts()]
    save_figure(alone, tmp_path / "one.png")
