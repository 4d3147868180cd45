"""The pictures that hold many runs: layers and decision regions."""

import json
import math

import numpy as np
import pytest

from lit_tricks.comparison import compare
from lit_tricks.report.figures import Regions, save_figure
from lit_tricks.report.joint_layers import joint_layers
from lit_tricks.report.joint_regions import joint_regions
from lit_tricks.report.runs import load_sweep

POINTS = np.random.default_rng(0).uniform(0, 4, (300, 2))
LABELS = (POINTS[:, 0] > 2).astype(int)


def run(gradients, dead=None, spread=1.0):
    layers = [
        {"name": str(k), "input_std": spread, "gradient_mean": size, "gradient_norm": 10 * size, "dead": dead}
        if isinstance(size, float)
        else {"name": str(k), "input_std": spread, "gradient_mean": None, "gradient_norm": None, "dead": dead}
        for k, size in enumerate(gradients)
    ]
    return {"start": layers, "end": layers}


def halves(border):
    def scorer(points):
        return np.stack([np.full(len(points), border), points[:, 0]], axis=1)

    return scorer


def regions(border):
    return Regions.of(halves(border), POINTS, LABELS, ["left", "right"], ("width", "height"))


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title("left").startswith(title))


def test_each_group_is_one_line_the_median_of_its_runs(tmp_path):
    groups = {"good": [run([1.0, 1.0]), run([3.0, 1.0]), run([2.0, 1.0])], "vanishing": [run([1e-9, 1.0])]}
    figure = joint_layers(groups)
    lines = [line.get_ydata() for line in panel(figure, "Gradient of the weights, mean").lines if len(line.get_xdata())]
    np.testing.assert_allclose(lines, [[2.0, 1.0], [1e-9, 1.0]])
    assert len(figure.axes) == 2 * 3, "no ReLU, no panel of dead units"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["good", "vanishing"]
    told = " ".join(figure.get_suptitle().split())
    assert "from 1e-09 with vanishing to 2 with good" in told
    save_figure(figure, tmp_path / "layers.png")


def test_what_a_logarithmic_axis_cannot_hold_stands_at_its_edge(tmp_path):
    figure = joint_layers({"nothing": [run([0.0, 0.0])], "everything": [run([None, 1.0])]})
    axes = panel(figure, "Gradient of the weights, mean")
    below = [line for line in axes.lines if line.get_marker() == "v" and line.get_linestyle() == "None"]
    above = [line for line in axes.lines if line.get_marker() == "^" and line.get_linestyle() == "None"]
    assert [list(line.get_xdata()) for line in below if len(line.get_xdata())] == [[1, 2]]
    assert [list(line.get_xdata()) for line in above if len(line.get_xdata())] == [[1]]
    save_figure(figure, tmp_path / "layers.png")


def test_dead_units_have_a_panel_where_there_is_relu():
    figure = joint_layers({"relu": [run([1.0, 1.0], dead=0.25)], "tanh": [run([1.0, 1.0])]})
    drawn = panel(figure, "Dead ReLU units").lines
    np.testing.assert_allclose(drawn[0].get_ydata(), [0.25, 0.25])
    assert all(math.isnan(value) for line in drawn[1:] for value in line.get_ydata())


def test_layers_recorded_by_an_older_version_leave_gaps():
    old = {"start": [{"name": "a", "input_std": 1.0}], "end": [{"name": "a", "input_std": 2.0}]}
    assert [axes.get_title("left") for axes in joint_layers({"old": [old]}).axes] == ["What each layer receives", ""]


def test_regions_are_what_they_were_after_a_file(tmp_path):
    found = regions(2.0)
    (tmp_path / "regions.npz").write_bytes(found.content())
    read = Regions.read(tmp_path / "regions.npz")
    np.testing.assert_array_equal(read.answers, found.answers)
    np.testing.assert_array_equal(read.points, found.points)
    assert (read.accuracy, read.total, read.class_names, read.axis_names, read.split) == (
        1.0, 300, ("left", "right"), ("width", "height"), "test",
    )  # fmt: skip


def test_regions_stand_side_by_side_on_common_axes(tmp_path):
    figure = joint_regions({"border 2": regions(2.0), "border 1": regions(1.0), "border 0": regions(0.0)})
    wrong = float(((POINTS[:, 0] > 1) != LABELS).mean())
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles[:2] == ["border 2\n100.00% right", f"border 1\n{1 - wrong:.2%} right"]
    shares = [float(np.asarray(axes.images[0].get_array()).mean()) for axes in figure.axes]
    assert shares[0] < shares[1] < shares[2]
    assert "Most test points are right with border 2, 100.00%" in " ".join(figure.get_suptitle().split())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["left", "right", "wrong"]
    save_figure(figure, tmp_path / "regions.png")


@pytest.mark.parametrize(("panels", "columns"), [(1, 1), (3, 3), (4, 4), (6, 3), (8, 4), (9, 3), (10, 5), (24, 4)])
def test_panels_fill_their_rows(panels, columns):
    figure = joint_regions({str(k): regions(2.0) for k in range(panels)})
    assert figure.axes[0].get_gridspec().ncols == columns


def test_a_sweep_gets_the_pictures_that_its_runs_left_data_for(tmp_path):
    for number, border in enumerate((2.0, 1.0)):
        place = tmp_path / str(number)
        place.mkdir()
        overrides = [f"model.gamma={border}"]
        (place / "results.json").write_text(json.dumps({"status": "completed", "overrides": overrides, "metrics": {}}))
        (place / "regions.npz").write_bytes(regions(border).content())
    (tmp_path / "1" / "layers.json").write_text(json.dumps(run([1.0, None])))
    (tmp_path / "0" / "layers.json").write_text("torn")
    compare(tmp_path)
    assert {path.name for path in tmp_path.glob("*.png")} == {"comparison_layers.png", "comparison_regions.png"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"no archive"])
def test_damaged_regions_are_none(content, tmp_path):
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "results.json").write_text("{}")
    (tmp_path / "0" / "regions.npz").write_bytes(content)
    assert load_sweep(tmp_path)[0].regions is None
