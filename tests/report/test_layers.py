import numpy as np
import pytest

from lit_tricks.report.layers import drive_histograms, layer_spread, output_histograms


def layer(name, scale=1.0, gradient=1.0):
    edges = np.linspace(-scale, scale, 11).tolist()
    return {
        "name": name,
        "drive_counts": [1] * 10,
        "drive_edges": edges,
        "drive_std": scale,
        "input_std": scale,
        "gradient_std": gradient,
        "gradient_mean": gradient,
        "gradient_norm": 10 * gradient,
        "dead": None,
    }


def test_drives_have_one_panel_a_layer_with_densities_that_integrate_to_one():
    figure = drive_histograms({"start": [layer("first", 2.0), layer("output", 0.5)]})
    assert [axes.get_title("left") for axes in figure.axes] == ["first", "output"]
    values, edges, _ = figure.axes[0].patches[0].get_data()
    assert float((values * np.diff(edges)).sum()) == pytest.approx(1.0)
    assert "from 2 in the first to 0.5 in the last" in figure.get_suptitle()


def test_vanishing_gradients_are_told():
    figure = layer_spread({"start": [layer("a", gradient=1e-8), layer("b", gradient=1e-2)]})
    assert "1e-06 times" in figure.get_suptitle()
    assert list(figure.axes[1].lines[0].get_ydata()) == [1e-8, 1e-2]


def test_dead_layers_leave_a_gap_instead_of_an_error():
    figure = layer_spread({"start": [layer("a", gradient=0.0), layer("b", gradient=1.0)]})
    assert np.isnan(figure.axes[1].lines[0].get_ydata()[0])


def test_outputs_of_few_classes_are_split_by_true_class():
    counts = [[[5, 0], [0, 5]], [[0, 5], [5, 0]]]
    figure = output_histograms({"start": {"edges": [0, 0.5, 1], "counts": counts}}, ["cat", "dog"])
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["true class cat", "true class dog"]
    assert len(figure.axes) == 2


def test_outputs_of_many_classes_are_their_own_against_the_rest():
    counts = np.ones((5, 5, 2), dtype=int).tolist()
    record = {"edges": [0, 0.5, 1], "counts": counts}
    figure = output_histograms({"start": record, "end": record}, list("abcde"))
    assert len(figure.axes) == 10
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["its own class", "all other classes"]


def test_two_layers_are_points_with_their_values_and_many_are_lines():
    few = layer_spread({"start": [layer("a", gradient=0.25), layer("b")], "end": [layer("a"), layer("b")]})
    assert [text.get_text() for text in few.axes[1].texts] == ["0.25", "1", "1", "1"]
    assert {line.get_linestyle() for line in few.axes[1].lines} == {"None"}
    many = layer_spread({"start": [layer(str(k)) for k in range(4)]})
    assert not many.axes[1].texts
    assert many.axes[1].lines[0].get_linestyle() == "-"


def test_ten_outputs_stand_in_rows_of_five():
    counts = np.ones((10, 10, 2), dtype=int).tolist()
    record = {"edges": [0, 0.5, 1], "counts": counts}
    figure = output_histograms({"start": record, "end": record}, list("abcdefghij"))
    assert figure.axes[0].get_gridspec().get_geometry() == (4, 5)
    assert [axes.get_title("left") for axes in figure.axes] == [f"output {name}" for name in "abcdefghij"] * 2
    assert figure.get_size_inches()[0] < 12
