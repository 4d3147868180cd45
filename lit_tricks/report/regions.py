"""The picture of a classifier of two numbers: the class it gives to every place in the plane."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
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


@dataclass(frozen=True)
class Regions:
    """What a classifier of two numbers answers in the plane, and the points of a split that are drawn there.

    Attributes:
        across, down: (STEPS,) where the plane was asked.
        leads: (K, STEPS, STEPS) ``float32``, by how much each class leads at each place; the answer leads by most.
        points: (M, 2), M at most 1,000, all the wrongly recognised ones first; ``labels`` (M,) and ``right`` (M,).
        accuracy: share of all points of the split that are right; ``total`` of them there are.
        class_names: K names.
        axis_names: what the two numbers are.
        split: what the points are called.
    """

    across: np.ndarray
    down: np.ndarray
    leads: np.ndarray
    points: np.ndarray
    labels: np.ndarray
    right: np.ndarray
    accuracy: float
    total: int
    class_names: tuple[str, ...]
    axis_names: tuple[str, ...]
    split: str

    @classmethod
    def of(
        cls,
        scorer: Scorer,
        points: np.ndarray,
        labels: np.ndarray,
        class_names: Sequence[str],
        axis_names: Sequence[str] = ("feature 1", "feature 2"),
        split: str = "test",
    ) -> "Regions":
        """Ask a classifier about the plane around ``points`` (N, 2), N ≥ 1, with ``labels`` (N,) class indices.

        ``scorer`` maps (M, 2) ``float32`` inputs, as raw as ``points``, to scores (M, K), whose largest is the answer.
        """
        points = np.asarray(points, dtype=np.float32)
        right = scorer(points).argmax(1) == labels
        low, high = points.min(0), points.max(0)
        reach = np.where(high > low, high - low, 1) * MARGIN
        across, down = (
            np.linspace((low - reach)[axis], (high + reach)[axis], STEPS, dtype=np.float32) for axis in (0, 1)
        )
        plane = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
        scores = scorer(plane).reshape(STEPS, STEPS, -1)
        leads = np.stack(
            [scores[..., k] - np.delete(scores, k, axis=-1).max(-1) for k in range(len(class_names))]
        ).astype(np.float32)
        shown = _chosen(right)
        return cls(
            across, down, leads, points[shown], np.asarray(labels)[shown], right[shown],
            float(right.mean()), len(points), tuple(class_names), tuple(axis_names), split,
        )  # fmt: skip

    @property
    def answers(self) -> np.ndarray:
        """The class at each place, (STEPS, STEPS), rows from below."""
        return self.leads.argmax(0)

    def draw(self, axes: Axes) -> None:
        """Fill ``axes`` with the answers, their borders and the points; wrong ones have a black edge."""
        axes.grid(False)
        limits = (float(self.across[0]), float(self.across[-1]), float(self.down[0]), float(self.down[-1]))
        classes, answers = len(self.class_names), self.answers
        pale = ListedColormap([_pale(COLOURS[k % len(COLOURS)]) for k in range(classes)])
        axes.imshow(
            answers, extent=limits, origin="lower", cmap=pale, vmin=-0.5, vmax=classes - 0.5, aspect="auto", zorder=0
        )
        for k in np.unique(answers) if len(np.unique(answers)) > 1 else ():
            # where a class leads by nothing lies its border, between the dots of the grid as well
            axes.contour(self.across, self.down, self.leads[k], levels=[0], colors=INK, linewidths=1.0, zorder=1)
        _scatter(axes, self.points, self.labels, self.right, class_labels(self.class_names, 20))

    def content(self) -> bytes:
        """Return the regions as the content of an NPZ file, the leads in half precision."""
        buffer = io.BytesIO()
        # beyond what half precision holds nothing but the sign is of interest
        largest = float(np.finfo(np.float16).max)
        leads = np.clip(self.leads, -largest, largest).astype(np.float16)
        np.savez_compressed(buffer, **{**vars(self), "leads": leads})
        return buffer.getvalue()

    @classmethod
    def read(cls, path: Path) -> "Regions":
        """Return what ``content`` held; raises what ``numpy.load`` raises for anything else."""
        # of a torn file numpy would leave its own handle open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            arrays = {name: found[name] for name in ("across", "down", "points", "labels", "right")}
            return cls(
                **arrays,
                leads=found["leads"].astype(np.float32),
                accuracy=float(found["accuracy"]),
                total=int(found["total"]),
                class_names=tuple(map(str, found["class_names"])),
                axis_names=tuple(map(str, found["axis_names"])),
                split=str(found["split"]),
            )


def decision_regions(regions: Regions) -> Figure:
    """Draw which class a classifier gives to every place in the plane, with the points of one split."""
    figure = new_figure(6.6, 5.4)
    axes = figure.subplots()
    style_axes(axes, "", *(printable(name) for name in regions.axis_names))
    regions.draw(axes)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=TICK_SIZE, borderaxespad=0)
    some = f"; {len(regions.points):,} points are drawn" if len(regions.points) < regions.total else ""
    headline(
        figure,
        f"{round(regions.accuracy * regions.total):,} of {regions.total:,} {regions.split} points lie in their own "
        f"class's region ({regions.accuracy:.1%})\nthe background is the answer at each place{some}",
    )
    return figure


def _chosen(right: np.ndarray) -> np.ndarray:
    """Return the positions of the points to draw: the mistakes, then others at even distances."""
    wrong, others = np.flatnonzero(~right)[:MOST_POINTS], np.flatnonzero(right)
    room = min(len(others), MOST_POINTS - len(wrong))
    return np.concatenate([wrong, others[np.linspace(0, len(others) - 1, room).round().astype(int)]])


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
