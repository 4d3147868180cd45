"""Paths of optimizers over a surface, seen from above."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lit_tricks.report.style import (
    BLUE,
    INK,
    LABEL_SIZE,
    PALETTE,
    SOFT,
    TICK_SIZE,
    VERMILION,
    headline,
    new_figure,
    printable,
)

CONTOURS, YELLOW = "#c4c4c4", "#F0E442"
COLUMNS = 5
# more lines than colours are told apart by their dashes
DASHES = ("-", (0, (5, 2)), (0, (1.2, 1.5)))


@dataclass(frozen=True)
class Surface:
    """A function over the plane.

    Attributes:
        x: (W,) and ``y`` (H,), the grid.
        heights: (H, W), positive but at the minimum.
        minimum: (x, y) of the lowest point.
    """

    x: np.ndarray
    y: np.ndarray
    heights: np.ndarray
    minimum: tuple[float, float]


@dataclass(frozen=True)
class Track:
    """One path over a surface.

    Attributes:
        name: what went.
        settings: how, in a few words.
        points: (S + 1, 2), the start first.
        values: (S + 1,) the heights there.
        distances: (S + 1,) from the minimum.
        diverged: whether it left for good.
    """

    name: str
    settings: str
    points: np.ndarray
    values: np.ndarray
    distances: np.ndarray
    diverged: bool

    @property
    def end(self) -> float:
        """The distance from the minimum at the end, infinite for a path that left."""
        return math.inf if self.diverged else float(self.distances[-1])


def paths(surface: Surface, tracks: Sequence[Track], sentence: str, ranked: bool = True) -> Figure:
    """Draw each path on a contour plot of its own, from the one that ended nearest to the minimum if ``ranked``."""
    shown = by_end(tracks) if ranked else list(tracks)
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = new_figure(2.55 * columns + 0.3, 2.95 * rows + 0.75)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, track in zip(panels, shown, strict=False):
        _contours(axes, surface)
        axes.plot(*track.points.T, color=BLUE, linewidth=1.2, marker="o", markersize=2.2, zorder=3)
        _marks(axes, surface, track)
        outcome = f"{track.end:.3f} away" if not track.diverged else f"gone after step {len(track.points) - 1}"
        axes.set_title(
            f"{printable(track.name)}: {outcome}",
            loc="left", fontsize=LABEL_SIZE, color=VERMILION if track.diverged else INK, fontweight="bold",
            pad=17,
        )  # fmt: skip
        axes.text(0, 1.025, printable(track.settings), transform=axes.transAxes, fontsize=TICK_SIZE, color=SOFT)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    _key(figure)
    headline(figure, sentence)
    return figure


def paths_together(surface: Surface, tracks: Sequence[Track], sentence: str) -> Figure:
    """Draw all paths on one contour plot, named in the order in which they ended near the minimum."""
    figure = new_figure(9.0, 6.6)
    axes = figure.subplots()
    _contours(axes, surface)
    for (colour, dashes), track in zip(line_styles(len(tracks)), by_end(tracks), strict=True):
        away = "gone" if track.diverged else f"{track.end:.3f} away"
        axes.plot(
            *track.points.T,
            color=colour, linestyle=dashes, linewidth=1.5, marker="o", markersize=2.4, zorder=3,
            label=f"{printable(track.name)}: {away}",
        )  # fmt: skip
    _marks(axes, surface, tracks[0])
    axes.tick_params(labelsize=TICK_SIZE, color=SOFT, labelcolor=INK)
    axes.set_xlabel("x", fontsize=LABEL_SIZE, color=INK)
    axes.set_ylabel("y", fontsize=LABEL_SIZE, color=INK)
    figure.legend(loc="outside right center", frameon=False, fontsize=LABEL_SIZE, handlelength=3)
    _key(figure)
    headline(figure, sentence)
    return figure


def by_end(tracks: Sequence[Track]) -> list[Track]:
    """Return the tracks from the nearest end to the furthest."""
    return sorted(tracks, key=lambda track: track.end)


def line_styles(count: int) -> list[tuple[str, object]]:
    """Return ``count`` pairs of colour and dashes, the first as many as there are colours without dashes."""
    return [(PALETTE[k % len(PALETTE)], DASHES[k // len(PALETTE) % len(DASHES)]) for k in range(count)]


def _contours(axes: Axes, surface: Surface) -> None:
    axes.contour(
        surface.x, surface.y, surface.heights, levels=np.logspace(-1.5, 5, 27), colors=CONTOURS, linewidths=0.6,
        zorder=1,
    )  # fmt: skip
    axes.set_xlim(surface.x[0], surface.x[-1])
    axes.set_ylim(surface.y[0], surface.y[-1])
    axes.set_aspect("equal")
    axes.tick_params(labelsize=8, color=SOFT, labelcolor=SOFT)
    for spine in axes.spines.values():
        spine.set_color(CONTOURS)


def _marks(axes: Axes, surface: Surface, track: Track) -> None:
    axes.plot(*surface.minimum, marker="*", markersize=12, color=YELLOW, markeredgecolor=INK, zorder=4)
    axes.plot(*track.points[0], marker="o", markersize=6.5, color="white", markeredgecolor=INK, zorder=4)


def _key(figure: Figure) -> None:
    """Say below the picture what its marks are."""
    figure.supxlabel(
        "○ start      ★ minimum      a dot is a step; contours are equally spaced in the logarithm of the height",
        x=0.01, ha="left", fontsize=TICK_SIZE, color=SOFT,
    )  # fmt: skip
