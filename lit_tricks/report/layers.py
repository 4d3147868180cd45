"""Pictures of what the layers and the outputs do before and after training."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from lit_tricks.report.style import (
    BLUE,
    PALETTE,
    SOFT,
    TICK_SIZE,
    VERMILION,
    class_labels,
    headline,
    new_figure,
    printable,
    style_axes,
)

MOMENTS = {"start": ("before training", BLUE), "end": ("after training", VERMILION)}
# what ``LayerRecorder`` keeps of a layer → title, unit, whether on a logarithmic axis
PANELS = {
    "input_std": ("What each layer receives", "standard deviation", True),
    "gradient_mean": ("Gradient of the weights, mean", "mean |gradient|", True),
    "gradient_norm": ("Gradient of the weights, norm", "norm", True),
    "dead": ("Dead ReLU units", "share", False),
}
MOST_LAYERS = 8
MOST_OUTPUTS = 10
OUTPUT_COLUMNS = 5
FEW_LAYERS = 3


def drive_histograms(layers: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Draw the distribution of every layer's drives, before and after training.

    Args:
        layers: moment → layers, as ``LayerRecorder.layers`` holds them; the first eight layers are drawn.
    """
    moments = [moment for moment in MOMENTS if layers.get(moment)]
    shown = min(len(layers[moments[0]]), MOST_LAYERS)
    columns = min(shown, 4)
    rows = math.ceil(shown / columns)
    figure = new_figure(max(2.6 * columns, 5.5), 2.3 * rows + 0.8)
    panels = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for place, axes in enumerate(panels):
        if place >= shown:
            axes.set_axis_off()
            continue
        style_axes(axes, printable(layers[moments[0]][place]["name"], 22), "drive z")
        for moment in moments:
            layer, (word, colour) = layers[moment][place], MOMENTS[moment]
            density = _density(layer["drive_counts"], layer["drive_edges"])
            axes.stairs(density, layer["drive_edges"], fill=True, color=colour, alpha=0.35, label=word)
            axes.stairs(density, layer["drive_edges"], color=colour, linewidth=1)
        axes.set_yticks([])
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=TICK_SIZE
    )
    first = layers[moments[0]]
    widths = f"from {first[0]['drive_std']:.2g} in the first to {first[-1]['drive_std']:.2g} in the last layer"
    headline(figure, f"Standard deviation of the drives {MOMENTS[moments[0]][0]}: {widths}")
    return figure


def layer_spread(layers: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Draw how activations and gradients go through the layers, and the share of ReLU units that are dead.

    Args:
        layers: moment → layers, as ``LayerRecorder.layers`` holds them.
    """
    moments = [moment for moment in MOMENTS if layers.get(moment)]
    keys = recorded_panels(layer for moment in moments for layer in layers[moment])
    figure = new_figure(3.1 * len(keys), 3.8)
    panels = figure.subplots(1, len(keys), squeeze=False)[0]
    count = max(len(layers[moment]) for moment in moments)
    for axes, key in zip(panels, keys, strict=True):
        title, unit, logarithmic = PANELS[key]
        style_axes(axes, title, "layer", unit)
        for moment in moments:
            values = [layer.get(key) for layer in layers[moment]]
            word, colour = MOMENTS[moment]
            drawable = _positive(values) if logarithmic else [math.nan if v is None else v for v in values]
            # a line between two or three points looks like a trend
            line = "-" if count > FEW_LAYERS else "None"
            axes.plot(range(1, len(values) + 1), drawable, color=colour, marker="o", linestyle=line, label=word)
            if count <= FEW_LAYERS:
                _tell(axes, drawable, colour, left=moment == moments[0])
        if not logarithmic:
            axes.set_ylim(-0.03, 1.03)
        elif any((layer.get(key) or 0) > 0 for moment in moments for layer in layers[moment]):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
        axes.set_xlim(0.3, count + 0.7)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False, fontsize=TICK_SIZE)
    headline(figure, _gradient_sentence(layers[moments[0]], MOMENTS[moments[0]][0]))
    return figure


def _tell(axes: Axes, values: Sequence[float], colour: str, left: bool) -> None:
    """Write each value beside its point, on one side or the other."""
    for layer, value in enumerate(values, start=1):
        if math.isfinite(value):
            axes.annotate(
                f"{value:.2g}",
                (layer, value),
                xytext=(-6 if left else 6, 0),
                textcoords="offset points",
                ha="right" if left else "left",
                va="center",
                fontsize=8,
                color=colour,
            )


def recorded_panels(layers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the keys of ``PANELS`` that ``layers`` know; dead units only where there are ReLU units."""
    found = {key for layer in layers for key in PANELS if key in layer and (key != "dead" or layer[key] is not None)}
    return [key for key in PANELS if key in found]


def output_histograms(outputs: Mapping[str, Mapping[str, Any]], class_names: Sequence[str]) -> Figure:
    """Draw the values of every output by true class, before and after training.

    Args:
        outputs: moment → ``edges`` and ``counts`` (K outputs, K classes, bins), as ``LayerRecorder.outputs`` holds
            them; with many classes each output's own class is drawn against all others together.
        class_names: K names.
    """
    moments = [moment for moment in MOMENTS if moment in outputs]
    labels = class_labels(class_names, 14)
    shown = min(len(labels), MOST_OUTPUTS)
    columns = min(shown, OUTPUT_COLUMNS)
    rows = -(-shown // columns)
    figure = new_figure(max(2.1 * columns, 7.0), 2.0 * rows * len(moments) + 0.9)
    panels = figure.subplots(rows * len(moments), columns, squeeze=False)
    few = len(labels) <= 3
    for block, moment in enumerate(moments):
        edges, counts = outputs[moment]["edges"], np.asarray(outputs[moment]["counts"])
        for output, axes in enumerate(panels[block * rows : (block + 1) * rows].ravel()):
            if output >= shown:
                axes.set_axis_off()
                continue
            last = block == len(moments) - 1 and output >= shown - columns
            style_axes(axes, f"output {labels[output]}", "value" if last else "")
            parts = _by_class(counts[output], output, labels, few)
            for (name, part), colour in zip(parts, PALETTE, strict=False):
                axes.stairs(_density(part, edges), edges, fill=True, color=colour, alpha=0.45, label=name)
            axes.set_yticks([])
            axes.set_xticks([0, 0.5, 1])
            if output % columns == 0:
                axes.set_ylabel(MOMENTS[moment][0], fontsize=TICK_SIZE, color=SOFT)
    handles = panels[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3, frameon=False, fontsize=TICK_SIZE)
    headline(figure, "What every output says, by true class")
    return figure


def _by_class(counts: np.ndarray, output: int, labels: Sequence[str], few: bool) -> list[tuple[str, np.ndarray]]:
    if few:
        return [(f"true class {name}", counts[true]) for true, name in enumerate(labels)]
    others = counts.sum(0) - counts[output]
    return [("its own class", counts[output]), ("all other classes", others)]


def _density(counts: Sequence[int] | np.ndarray, edges: Sequence[float]) -> np.ndarray:
    heights, widths = np.asarray(counts, dtype=float), np.diff(np.asarray(edges))
    return heights / max(heights.sum(), 1.0) / np.where(widths > 0, widths, 1.0)


def _positive(values: Sequence[float | None]) -> list[float]:
    return [value if value is not None and value > 0 and math.isfinite(value) else math.nan for value in values]


def _gradient_sentence(layers: Sequence[Mapping[str, Any]], when: str) -> str:
    first, last = layers[0]["gradient_std"], layers[-1]["gradient_std"]
    if len(layers) < 2 or not (first > 0 and last > 0 and math.isfinite(first / last)):
        return f"Spread of activations and gradients by layer, {when} and after"
    ratio = first / last
    told = f"{ratio:.2g} times" if 0.01 <= ratio <= 100 else f"{ratio:.0e} times"
    return f"The first layer's gradient is {told} the last one's {when}"
