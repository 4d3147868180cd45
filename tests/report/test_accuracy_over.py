"""The picture of accuracy over a swept number."""

from pathlib import Path

import numpy as np
import pytest

from lit_tricks.report.accuracy_over import accuracy_over, points_over
from lit_tricks.report.runs import Run

KEY = "data.train_size"


def run(label: str, size: object, accuracy: float, status: str = "completed", name: str = "test/acc") -> Run:
    results = {"status": status, "overrides": [f"{KEY}={size}"], "metrics": {name: accuracy}}
    return Run(Path("run"), results, label)


def test_points_are_those_of_completed_runs_with_a_number() -> None:
    runs = [
        run("a", 100, 0.8),
        run("a", 20, 0.5),
        run("a", 20, 0.7, name="val/acc"),
        run("a", 20, 0.1, status="failed"),
        run("b", "null", 0.9),
        run("b", 100, 0.6),
    ]
    assert points_over(runs, KEY) == {"a": {20: [0.5, 0.7], 100: [0.8]}, "b": {100: [0.6]}}
    assert points_over(runs, "data.val_size") == {}
    assert points_over(runs[:1], KEY) == {}, "one number is no axis"


def test_the_picture_shows_means_and_ranges() -> None:
    points = {"x": {20.0: [0.5, 0.7], 2000.0: [0.9, 0.9]}, "y": {20.0: [0.8, 0.8], 2000.0: [0.7, 0.9]}}
    figure = accuracy_over(points, KEY)
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    np.testing.assert_allclose([line.get_ydata() for line in axes.lines], [[0.6, 0.9], [0.8, 0.8]])
    lowest = [band.get_paths()[0].vertices[:, 1].min() for band in axes.collections]
    assert lowest == pytest.approx([0.5, 0.7])
    words = " ".join(figure.get_suptitle().split())
    assert words == (
        "Highest and lowest accuracy; bands span 2 runs at 20: 80.0% with y, 60.0% with x "
        "at 2,000: 90.0% with x, 80.0% with y"
    )
