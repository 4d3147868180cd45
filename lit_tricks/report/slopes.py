"""Descents on curves: the function above, its derivative below."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lit_tricks.report.style import (
    INK,
    LABEL_SIZE,
    PALETTE,
    SOFT,
    TICK_SIZE,
    headline,
    new_figure,
    printable,
    style_axes,
)


@dataclass(frozen=True)
class SlopePath:
    """Where a descent went: ``x`` (S + 1,) with the function's ``values`` and ``slopes`` there, the start first."""

    x: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    diverged: bool


@dataclass(frozen=True)
class SlopePanel:
    """A function with its derivative and the descents on it.

    Attributes:
        label: the function as text.
        x: (N,) where ``values`` (N,) and ``slopes`` (N,) were computed.
        paths: the descents.
    """

    label: str
    x: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    paths: list[SlopePath]


def descents_on_curves(panels: Sequence[SlopePanel]) -> tuple[Figure, str]:
    """Draw the descents on each function and return the picture with the sentence above it."""
    figure = new_figure(5.6 * len(panels), 6.2)
    grid = figure.subplots(2, len(panels), squeeze=False, sharex="col", height_ratios=[3, 2])
    for (above, below), panel in zip(grid.T, panels, strict=True):
        style_axes(above, f"f(x) = {printable(panel.label, 60)}")
        style_axes(below, "f'(x), by automatic differentiation", "x")
        above.set_xlim(panel.x[0], panel.x[-1])
        above.plot(panel.x, panel.values, color=SOFT, linewidth=1.4)
        below.plot(panel.x, panel.slopes, color=SOFT, linewidth=1.4)
        below.axhline(0, color=INK, linewidth=0.8)
        for axes in (above, below):
            # a path that leaves must not take the picture with it
            axes.set_ylim(axes.get_ylim())
        for colour, path in zip(cycle(PALETTE), panel.paths, strict=False):
            _path(above, path, path.values, colour)
            _path(below, path, path.slopes, colour)
        above.legend(frameon=False, fontsize=LABEL_SIZE)
    figure.supxlabel("○ start      ◆ end      a dot is a step", x=0.01, ha="left", fontsize=TICK_SIZE, color=SOFT)
    sentence = f"Downhill on {'; on '.join(map(_sentence, panels))}"
    headline(figure, sentence)
    return figure, sentence


def _path(axes: Axes, path: SlopePath, heights: np.ndarray, colour: str) -> None:
    label = f"from {path.x[0]:g} " + ("it left for good" if path.diverged else f"to {path.x[-1]:.3f}")
    axes.plot(path.x, heights, color=colour, linewidth=1, marker="o", markersize=3.5, zorder=3, label=label)
    axes.plot(path.x[0], heights[0], marker="o", markersize=8, color="white", markeredgecolor=colour, zorder=4)
    if not path.diverged:
        axes.plot(path.x[-1], heights[-1], marker="D", markersize=7, color=colour, markeredgecolor="white", zorder=4)


def _sentence(panel: SlopePanel) -> str:
    ends = [f"{path.x[0]:g} → {'gone' if path.diverged else f'{path.x[-1]:.3f}'}" for path in panel.paths]
    return f"{printable(panel.label, 60)}: {', '.join(ends)}"
