"""The picture of a range test shows the fall and the suggested points, however far the loss explodes."""

import numpy as np
import pytest

from lit_tricks.report.figures import range_test_curve


@pytest.mark.parametrize("chosen", ["steepest", "valley"])
def test_suggestions_lie_on_the_smoothed_curve_and_the_fall_fills_the_picture(chosen: str) -> None:
    rates = np.geomspace(1e-5, 1.0, 6).tolist()
    levels = [2.3, 2.2, 1.4, 0.6, 0.5, 2.0]
    losses = [*levels[:5], 1e9]
    marks = {"steepest": rates[2], "valley": rates[1]}
    figure = range_test_curve(rates, losses, levels, marks, chosen)
    (axes,) = figure.axes
    drawn = {str(line.get_label()): line.get_xydata().tolist() for line in axes.get_lines()}
    assert axes.get_xscale() == "log"
    assert drawn["each step"] == [list(point) for point in zip(rates, losses, strict=True)]
    assert drawn["smoothed"] == [list(point) for point in zip(rates, levels, strict=True)]
    names = {"steepest": "steepest: 0.001", "valley": "valley: 0.0001"}
    names[chosen] += " (taken)"
    assert drawn[names["steepest"]] == [[rates[2], 1.4]]
    assert drawn[names["valley"]] == [[rates[1], 2.2]]
    low, high = axes.get_ylim()
    assert low < 0.5 < 2.3 < high < 4
    assert f"{marks[chosen]:.3g}" in str(figure.get_suptitle())
