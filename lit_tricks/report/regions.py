"""The picture of a classifier of two numbers: the class it gives to every place in the plane."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure

from lit_tricks.report.style import (
    BLUE,
    GREEN,
    INK,
    PURPLE,
    TICK_SIZE,
    VERMILION,
    class_labels,
    headline,
    new_figure,
    printable,
    style_axes,
)

# Okabe & Ito 2008; colours and markers have no common cycle, so 35 classes differ
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, "#E69F00", "#56B4E9", "#7F7F7F")
MARKERS = ("o", "^", "s", "D", "v")
STEPS = 240
MOST_POINTS = 1000
MARGIN = 0.08

Scorer = Callable[[np.ndarray], np.ndarray]


def decision_regions(
    scorer: Scorer,
    points: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    axis_names: Sequence[str] = ("feature 1", "feature 2"),
    split: str = "test",
) -> Figure:
    """Draw which class a classifier gives to every place in the plane, with the points of one split.

    At most 1,000 points are drawn, the wrongly recognised ones first, which have a black edge.

    Args:
        scorer: maps (M, 2) ``float32`` inputs, as raw as ``points``, to scores (M, K), whose largest is the answer.
        points: (N, 2), N ≥ 1.
        labels: (N,) class indices.
        class_names: K names.
        axis_names: what the two numbers are.
        split: what the points are called.
    """
    points = np.asarray(points, dtype=np.float32)
    right = scorer(points).argmax(1) == labels
    figure = new_figure(6.6, 5.4)
    axes = figure.subplots()
    style_axes(axes, "", printable(axis_names[0]), printable(axis_names[1]))
    axes.grid(False)
    _fill(axes, scorer, points, len(class_names))
    shown = _chosen(right)
    _scatter(axes, points[shown], np.asarray(labels)[shown], right[shown], class_labels(class_names, 20))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=TICK_SIZE, borderaxespad=0)
    some = f"; {len(shown):,} points are drawn" if len(shown) < len(points) else ""
    headline(
        figure,
        f"{int(right.sum()):,} of {len(points):,} {split} points lie in their own class's region "
        f"({right.mean():.1%})\nthe background is the answer at each place{some}",
    )
    return figure


def _chosen(right: np.ndarray) -> np.ndarray:
    """Return the positions of the points to draw: the mistakes, then others at even distances."""
    wrong, others = np.flatnonzero(~right)[:MOST_POINTS], np.flatnonzero(right)
    room = min(len(others), MOST_POINTS - len(wrong))
    return np.concatenate([wrong, others[np.linspace(0, len(others) - 1, room).round().astype(int)]])


def _fill(axes: Axes, scorer: Scorer, points: np.ndarray, classes: int) -> None:
    low, high = points.min(0), points.max(0)
    reach = np.where(high > low, high - low, 1) * MARGIN
    low, high = low - reach, high + reach
    across, down = (np.linspace(low[axis], high[axis], STEPS, dtype=np.float32) for axis in (0, 1))
    plane = np.stack(np.meshgrid(across, down), axis=-1)
    scores = scorer(plane.reshape(-1, 2)).reshape(STEPS, STEPS, classes)
    pale = ListedColormap([_pale(COLOURS[k % len(COLOURS)]) for k in range(classes)])
    limits = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    answers = scores.argmax(-1)
    axes.imshow(
        answers, extent=limits, origin="lower", cmap=pale, vmin=-0.5, vmax=classes - 0.5, aspect="auto", zorder=0
    )
    for k in np.unique(answers) if len(np.unique(answers)) > 1 else ():
        # where a class leads by nothing lies its border, between the dots of the grid as well
        lead = scores[..., k] - np.delete(scores, k, axis=-1).max(-1)
        axes.contour(across, down, lead, levels=[0], colors=INK, linewidths=1.0, zorder=1)


def _scatter(axes: Axes, points: np.ndarray, labels: np.ndarray, right: np.ndarray, names: Sequence[str]) -> None:
    size = 34 if len(points) <= 300 else 18
    for k, name in enumerate(names):
        style: dict[str, Any] = {"marker": MARKERS[k % len(MARKERS)], "color": COLOURS[k % len(COLOURS)]}
        good, bad = (labels == k) & right, (labels == k) & ~right
        axes.scatter(
            points[good, 0], points[good, 1], s=size, edgecolors="white", linewidths=0.5, label=name, zorder=2, **style
        )
        axes.scatter(
            points[bad, 0], points[bad, 1], s=1.6 * size, edgecolors="black", linewidths=1.3, zorder=3, **style
        )
    if not right.all():
        axes.scatter([], [], s=1.6 * size, marker="o", color="none", edgecolors="black", linewidths=1.3, label="wrong")


def _pale(colour: str) -> tuple[float, float, float]:
    red, green, blue = (0.72 + 0.28 * part for part in to_rgb(colour))
    return red, green, blue
