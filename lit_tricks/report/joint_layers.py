"""What the layers of many runs compute, in one picture: signals, gradients and dead units from layer to layer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from lit_tricks.report.layers import MOMENTS, PANELS, recorded_panels
from lit_tricks.report.style import LABEL_SIZE, SOFT, TICK_SIZE, headline, new_figure, printable, style_axes
from lit_tricks.report.surface import line_styles

Layers = Mapping[str, Sequence[Mapping[str, Any]]]
# what stands at the lower and at the upper edge of a panel
EDGES = {"v": "exactly 0", "^": "no finite number"}
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def joint_layers(groups: Mapping[str, Sequence[Layers]]) -> Figure:
    """Draw each group's layers, the median over its runs, before training above and after training below.

    A value that is exactly 0 is a ▼ at the lower edge of a logarithmic axis, one beyond all numbers a ▲ at the upper.

    Args:
        groups: label → runs, each a mapping of moments to layers as ``LayerRecorder.layers`` holds them.
    """
    runs = [run for group in groups.values() for run in group]
    moments = [moment for moment in MOMENTS if any(run.get(moment) for run in runs)]
    keys = recorded_panels(layer for run in runs for moment in moments for layer in run.get(moment, ()))
    figure = new_figure(3.4 * len(keys) + 0.4, 3.0 * len(moments) + 0.6 + 0.22 * math.ceil(len(groups) / 3))
    grid = figure.subplots(len(moments), len(keys), squeeze=False)
    styles: dict[str, dict[str, Any]] = {
        label: {"color": colour, "linestyle": dashes, "marker": MARKERS[place % len(MARKERS)]}
        for place, (label, (colour, dashes)) in enumerate(zip(groups, line_styles(len(groups)), strict=True))
    }
    for row, moment in zip(grid, moments, strict=True):
        for axes, key in zip(row, keys, strict=True):
            title, unit, logarithmic = PANELS[key]
            style_axes(axes, title if moment == moments[0] else "", "layer" if moment == moments[-1] else "", unit)
            values = {label: _medians(group, moment, key) for label, group in groups.items()}
            for label, line in values.items():
                _line(axes, line, logarithmic, styles[label])
            _scale(axes, values, logarithmic)
        row[0].annotate(
            MOMENTS[moment][0], (0, 0.5), xycoords="axes fraction", xytext=(-62, 0), textcoords="offset points",
            rotation=90, ha="center", va="center", fontsize=LABEL_SIZE, fontweight="bold",
        )  # fmt: skip
    handles = [Line2D([], [], label=printable(label, 50), markersize=4, **style) for label, style in styles.items()]
    edges = {line.get_marker() for axes in grid.ravel() for line in axes.lines if line.get_linestyle() == "None"}
    handles += [
        Line2D([], [], color=SOFT, marker=marker, linestyle="", label=label)
        for marker, label in EDGES.items()
        if marker in edges
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 3), frameon=False, fontsize=TICK_SIZE,
        handlelength=3,
    )  # fmt: skip
    headline(figure, _sentence(groups, moments))
    return figure


def _medians(runs: Sequence[Layers], moment: str, key: str) -> list[float]:
    """Return one value a layer; NaN where nothing was recorded, infinity where it is no finite number."""
    lines = [[_value(layer, key) for layer in run[moment]] for run in runs if run.get(moment)]
    depth = max(map(len, lines), default=0)
    columns = [[line[place] for line in lines if place < len(line)] for place in range(depth)]
    return [float(np.median(column)) for column in columns]


def _value(layer: Mapping[str, Any], key: str) -> float:
    if key not in layer or (key == "dead" and layer[key] is None):
        return math.nan
    value = layer[key]
    # JSON has no infinity
    return math.inf if value is None or not math.isfinite(value) else float(value)


def _line(axes: Axes, values: Sequence[float], logarithmic: bool, style: Mapping[str, Any]) -> None:
    places = np.arange(1, len(values) + 1)
    heights = np.array(values)
    drawable = np.isfinite(heights) & ((heights > 0) | (not logarithmic))
    axes.plot(places, np.where(drawable, heights, np.nan), linewidth=1.5, markersize=4, **style)
    beyonds = ((heights == 0) & logarithmic, np.isinf(heights))
    for beyond, height, marker in zip(beyonds, (0.02, 0.98), EDGES, strict=True):
        if beyond.any():
            # layers across, shares of the panel's height up
            axes.plot(
                places[beyond], np.full(int(beyond.sum()), height), transform=axes.get_xaxis_transform(),
                linestyle="", marker=marker, markersize=6, color=style["color"],
            )  # fmt: skip


def _scale(axes: Axes, values: Mapping[str, Sequence[float]], logarithmic: bool) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    known = [value for line in values.values() for value in line if math.isfinite(value)]
    if not logarithmic:
        axes.set_ylim(-0.03, 1.03)
    elif any(value > 0 for value in known):
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        if high < 1000 * low:
            # powers of ten alone would leave such an axis without a number
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=7))
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
        else:
            axes.yaxis.set_major_locator(LogLocator(numticks=7))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_yticks([])
    if not known:
        axes.text(0.5, 0.5, "nothing finite", transform=axes.transAxes, ha="center", color=SOFT)


def _sentence(groups: Mapping[str, Sequence[Layers]], moments: Sequence[str]) -> str:
    """Tell the smallest and the largest gradient at the moment at which they differ most."""
    told = [_extremes(groups, moment) for moment in moments]
    found = [each for each in told if each is not None]
    if not found:
        return "Signals and gradients from layer to layer"
    _, moment, (weak, low), (strong, high) = max(found)
    return (
        f"The first layer's mean gradient {MOMENTS[moment][0]}: from {low:.2g} with {printable(weak, 60)} "
        f"to {high:.2g} with {printable(strong, 60)}"
    )


def _extremes(
    groups: Mapping[str, Sequence[Layers]], moment: str
) -> tuple[float, str, tuple[str, float], tuple[str, float]] | None:
    lines = {label: _medians(runs, moment, "gradient_mean") for label, runs in groups.items()}
    first = {label: line[0] for label, line in lines.items() if line and math.isfinite(line[0])}
    if len(first) < 2:
        return None
    weak, strong = (pick(first, key=lambda label: first[label]) for pick in (min, max))
    ratio = first[strong] / first[weak] if first[weak] else math.inf
    return ratio, moment, (weak, first[weak]), (strong, first[strong])
