import numpy as np
import pytest

from lit_tricks.report.figures import save_figure, search_heatmap

ROWS = [
    {"C": c, "gamma": gamma, "kernel": kernel, "mean": 0.9 + 0.01 * place}
    for place, (kernel, c, gamma) in enumerate(
        (kernel, c, gamma) for kernel in ("rbf", "poly") for c in (50, 0.5, 5) for gamma in (2.0, "scale")
    )
]


def cells(figure):
    return np.asarray(figure.axes[0].images[0].get_array())


def ticks(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def framed(figure):
    (frame,) = figure.axes[0].patches
    return round(frame.get_y() + 0.5), round(frame.get_x() + 0.5)


def test_two_parameters_make_a_map_with_rising_values_and_the_winner_framed(tmp_path):
    figure = search_heatmap(ROWS[:6], ["C", "gamma"], 3, "accuracy", 3)
    axes = figure.axes[0]
    assert ticks(axes.yaxis) == ["0.5", "5", "50"]
    assert ticks(axes.xaxis) == ["2", "scale"]
    np.testing.assert_allclose(cells(figure), [[0.92, 0.93], [0.94, 0.95], [0.90, 0.91]])
    assert framed(figure) == (0, 1)
    assert [text.get_text() for text in axes.texts][:2] == ["0.9200", "0.9300"]
    assert figure.get_suptitle() == "Best of 6: C = 0.5, gamma = scale\nmean accuracy 0.9300 over 3 folds"
    save_figure(figure, tmp_path / "search.png")


def test_further_parameters_give_way_to_their_best():
    figure = search_heatmap(ROWS, ["kernel", "C", "gamma"], 11, "balanced_accuracy", 5)
    assert figure.axes[0].get_ylabel() == "C"
    # of as many values the first named is an axis
    assert ticks(figure.axes[0].xaxis) == ["rbf", "poly"]
    np.testing.assert_allclose(cells(figure), [[0.93, 0.99], [0.95, 1.01], [0.91, 0.97]])
    assert figure.get_suptitle() == (
        "Best of 12: kernel = poly, C = 5, gamma = scale\nmean balanced accuracy 1.0100 over 5 folds\n"
        "each cell: the best over gamma"
    )


def test_one_parameter_makes_a_column(tmp_path):
    rows = [{"depth": depth, "mean": 0.5} for depth in (None, 3)]
    figure = search_heatmap(rows, ["depth"], 0, "neg_log_loss", 2)
    assert cells(figure).shape == (2, 1)
    assert ticks(figure.axes[0].yaxis) == ["3", "None"]
    assert framed(figure) == (1, 0)
    save_figure(figure, tmp_path / "search.png")


@pytest.mark.parametrize("size", [12, 13])
def test_numbers_are_left_out_when_there_are_too_many(size, tmp_path):
    rows = [{"a": a, "b": b, "mean": 0.1} for a in range(size) for b in range(size)]
    figure = search_heatmap(rows, ["a", "b"], 0, "accuracy", 2)
    assert len(figure.axes[0].texts) == (144 if size == 12 else 0)
    save_figure(figure, tmp_path / "search.png")
