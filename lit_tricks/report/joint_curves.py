"""The learning curves of many runs in one picture, with the spread over seeds as a band."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lit_tricks.report.runs import Run
from lit_tricks.report.style import (
    PALETTE,
    SOFT,
    SPLIT_NAMES,
    TICK_SIZE,
    headline,
    new_figure,
    printable,
    style_axes,
)

PANELS = ("loss", "acc")
WORDS = {"loss": "loss", "acc": "accuracy"}
# losses of groups that differ by more than this share one axis only on a logarithmic scale
LOG_FROM = 30


def joint_curves(groups: Mapping[str, Sequence[Run]], split: str | None = None) -> Figure:
    """Draw loss and accuracy per epoch of every group, the mean over its runs with their range as a band.

    Where there is but one group, such as seeds alone, each of its runs is a thin line as well.

    Args:
        groups: label → runs, as ``runs.grouped`` returns them; runs that did not finish are drawn as far as they came.
        split: whose curves, ``train`` or ``val``; by default both, side by side, where both were logged.
    """
    splits = [each for each in ("train", "val") if _logged(groups, each)] if split is None else [split]
    figure = new_figure(9.5, 3.4 * max(len(splits), 1) + 0.5)
    colours = group_colours(list(groups))
    for row, each in zip(np.atleast_2d(figure.subplots(max(len(splits), 1), 2)), splits, strict=False):
        for axes, name in zip(row, PANELS, strict=True):
            style_axes(axes, f"{SPLIT_NAMES[each]} {WORDS[name]}".capitalize(), "epochs trained")
            spans = [_band(axes, runs, f"{each}/{name}", colours[label]) for label, runs in groups.items()]
            for run in next(iter(groups.values())) if len(groups) == 1 else ():
                _thin(axes, run, f"{each}/{name}")
            drawn = [value for span in spans if span for value in span]
            if name == "loss" and drawn and min(drawn) > 0 and max(drawn) / min(drawn) > LOG_FROM:
                axes.set_yscale("log")
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    handles = [matplotlib.lines.Line2D([], [], color=colours[label], label=printable(label, 60)) for label in groups]
    columns = 1 if max(map(len, groups)) > 40 else min(len(groups), 3)
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=TICK_SIZE)
    headline(figure, _sentence(groups))
    return figure


def group_colours(labels: Sequence[str]) -> dict[str, Any]:
    """Return one colour a group: distinct ones for few groups, an ordered scale for many."""
    if len(labels) <= len(PALETTE):
        return dict(zip(labels, PALETTE, strict=False))
    scale = matplotlib.colormaps["viridis"](np.linspace(0, 0.92, len(labels)))
    return dict(zip(labels, scale, strict=True))


def final_metric(groups: Mapping[str, Sequence[Run]], name: str) -> dict[str, list[float]]:
    """Return the finite values of a metric of ``results.json`` by group, completed runs only."""
    found: dict[str, list[float]] = {}
    for label, runs in groups.items():
        values = [run.results.get("metrics", {}).get(name) for run in runs if run.completed]
        finite = [float(value) for value in values if value is not None and math.isfinite(value)]
        if finite:
            found[label] = finite
    return found


def _logged(groups: Mapping[str, Sequence[Run]], split: str) -> bool:
    return any(row.get(f"{split}/loss") is not None for runs in groups.values() for run in runs for row in run.rows)


def _band(axes: Axes, runs: Sequence[Run], column: str, colour: Any) -> tuple[float, float] | None:
    """Draw one group and return the smallest and largest mean."""
    by_epoch: dict[int, list[float]] = {}
    for run in runs:
        for row in run.rows:
            value, epoch = row.get(column), row.get("epoch")
            if value is not None and epoch is not None and math.isfinite(value):
                by_epoch.setdefault(int(epoch) + 1, []).append(value)
    if not by_epoch:
        return None
    epochs = sorted(by_epoch)
    means = [float(np.mean(by_epoch[epoch])) for epoch in epochs]
    axes.plot(epochs, means, color=colour, marker="o" if len(epochs) < 15 else "", markersize=3)
    if len(runs) > 1:
        low, high = ([pick(by_epoch[epoch]) for epoch in epochs] for pick in (min, max))
        axes.fill_between(epochs, low, high, color=colour, alpha=0.18, linewidth=0)
    return min(means), max(means)


def _thin(axes: Axes, run: Run, column: str) -> None:
    known = [(epoch, row.get(column)) for row in run.rows if (epoch := row.get("epoch")) is not None]
    points = [(int(epoch) + 1, value) for epoch, value in known if value is not None and math.isfinite(value)]
    if points:
        axes.plot(*zip(*points, strict=True), color=SOFT, linewidth=0.7)


def _sentence(groups: Mapping[str, Sequence[Run]]) -> str:
    repeated = max(len(runs) for runs in groups.values())
    tail = f"; bands span {repeated} runs" if repeated > 1 else ""
    for name, word in (("val/acc", "validation"), ("test/acc", "test"), ("train/acc", "training")):
        means = {label: float(np.mean(values)) for label, values in final_metric(groups, name).items()}
        if len(means) > 1:
            best, worst = (pick(means, key=lambda label: means[label]) for pick in (max, min))
            if means[best] == means[worst]:
                return f"Every group ends at {means[best]:.1%} {word} accuracy{tail}"
            return (
                f"Highest {word} accuracy at the end: {printable(best, 40)} with {means[best]:.1%}, "
                f"lowest: {printable(worst, 40)} with {means[worst]:.1%}{tail}"
            )
        if means:
            ((label, mean),) = means.items()
            return f"{printable(label, 40)}: {mean:.1%} {word} accuracy at the end{tail}"
    return "No run was completed"
