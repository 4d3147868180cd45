"""What a sweep over several knobs found: parallel coordinates of the runs, and slices along each knob."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from lit_tricks.report.answer import is_share, metric_words
from lit_tricks.report.comparing import Comparison
from lit_tricks.report.runs import REPETITION, key_of, overrides
from lit_tricks.report.style import (
    BLUE,
    INK,
    SOFT,
    TICK_SIZE,
    VERMILION,
    headline,
    new_figure,
    printable,
    style_axes,
)

# fewer groups are read better from the table
FEWEST_GROUPS = 6
MOST_AXES = 8
# numbers that differ by more than this stand on a logarithmic axis
LOG_FROM = 30

Settings = list[tuple[dict[str, str], float]]


def swept_settings(comparison: Comparison) -> tuple[list[str], Settings]:
    """Return the keys that runs set to different values, and every run's values with its metric.

    There are none with fewer than 6 groups.
    """
    runs = [(run, value) for group in comparison.groups for run, value in zip(group.runs, group.values, strict=True)]
    said = [{key_of(item): item.partition("=")[2] for item in overrides(run.results)} for run, _ in runs]
    keys = dict.fromkeys(key for each in said for key in each if key not in REPETITION)
    varied = [key for key in keys if len({each.get(key, "default") for each in said}) > 1]
    if len(comparison.groups) < FEWEST_GROUPS:
        return [], []
    settings = [
        ({key: each.get(key, "default") for key in varied}, value) for each, (_, value) in zip(said, runs, strict=True)
    ]
    return varied[:MOST_AXES], settings


def parallel_coordinates(comparison: Comparison, keys: Sequence[str], settings: Settings) -> Figure:
    """Draw one line a run through its value of each key to its metric, coloured by that; at least two keys."""
    figure = new_figure(max(1.9 * (len(keys) + 1), 7.0), 4.4)
    axes = figure.subplots()
    places = [_places([values[key] for values, _ in settings]) for key in keys]
    metric = np.array([value for _, value in settings])
    heights = np.column_stack([*(place for place, _ in places), _unit(metric)])
    norm = Normalize(metric.min(), metric.max() if metric.max() > metric.min() else metric.min() + 1)
    colours = matplotlib.colormaps["viridis_r" if comparison.lower_is_better else "viridis"]
    order = np.argsort(-metric if comparison.lower_is_better else metric)
    for index in order:
        axes.plot(heights[index], color=colours(norm(metric[index])), linewidth=1.4, alpha=0.8)
    for x, (_, labels) in enumerate(places):
        for height, label in labels:
            axes.text(x + 0.03, height, printable(label, 14), fontsize=8, color=INK, va="center", bbox=_BOX)
    for x in range(len(keys) + 1):
        axes.axvline(x, color=SOFT, linewidth=0.8, zorder=1)
    names = [*(printable(key, 24) for key in keys), metric_words(comparison.metric)]
    axes.set_xticks(range(len(names)), names, fontsize=TICK_SIZE)
    axes.set(xlim=(-0.1, len(keys) + 0.1), ylim=(-0.05, 1.05), yticks=[])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=axes, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8)
    if is_share(comparison.metric):
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.1%}")
    best = settings[int(order[-1])]
    said = ", ".join(f"{key}={value}" for key, value in best[0].items() if key in keys)
    headline(figure, f"Every run is a line; the best run: {printable(said, 90)}")
    return figure


def slices(comparison: Comparison, keys: Sequence[str], settings: Settings) -> Figure:
    """Draw the metric of every run over each key in turn, with the mean of each value as a line."""
    figure = new_figure(max(3.2 * min(len(keys), 3), 5.6), 0.7 + 2.9 * -(-len(keys) // 3))
    panels = figure.subplots(-(-len(keys) // 3), min(len(keys), 3), squeeze=False, sharey=True).ravel()
    metric = [value for _, value in settings]
    for index, axes in enumerate(panels):
        if index >= len(keys):
            axes.set_axis_off()
            continue
        texts = [values[keys[index]] for values, _ in settings]
        style_axes(
            axes, xlabel=printable(keys[index]), ylabel=metric_words(comparison.metric) if index % 3 == 0 else ""
        )
        _slice(axes, texts, metric)
        if is_share(comparison.metric):
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:.1%}")
    headline(
        figure, f"{metric_words(comparison.metric).capitalize()} over each knob; dots are runs, the line is their mean"
    )
    return figure


_BOX: dict[str, Any] = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}


def _slice(axes: Axes, texts: Sequence[str], metric: Sequence[float]) -> None:
    numbers = _numbers(texts)
    names = list(dict.fromkeys(texts))
    x = [float(names.index(text)) for text in texts] if numbers is None else numbers
    axes.plot(x, metric, "o", color=BLUE, alpha=0.5, markersize=5, markeredgewidth=0)
    places, values = np.asarray(x), np.asarray(metric)
    distinct = np.unique(places)
    axes.plot(distinct, [values[places == place].mean() for place in distinct], color=VERMILION, linewidth=1.6)
    if numbers is None:
        axes.set_xticks(range(len(names)), [printable(name, 14) for name in names], fontsize=8, rotation=20)
    elif min(numbers) > 0 and max(numbers) / min(numbers) > LOG_FROM:
        axes.set_xscale("log")


def _places(texts: Sequence[str]) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """Return each value's height in [0, 1] and the labels of the axis; numbers keep their distances."""
    numbers = _numbers(texts)
    if numbers is None:
        names = list(dict.fromkeys(texts))
        step = max(len(names) - 1, 1)
        return np.array([names.index(text) / step for text in texts]), [
            (k / step, name) for k, name in enumerate(names)
        ]
    values = np.asarray(numbers)
    logarithmic = values.min() > 0 and values.max() / values.min() > LOG_FROM
    heights = _unit(np.log(values) if logarithmic else values)
    known = sorted(dict(zip(heights.tolist(), texts, strict=True)).items())
    step = max(1, math.ceil(len(known) / 7))
    return heights, [*known[::step], *([] if (len(known) - 1) % step == 0 else known[-1:])]


def _unit(values: np.ndarray) -> np.ndarray:
    span = values.max() - values.min()
    return (values - values.min()) / span if span > 0 else np.full(len(values), 0.5)


def _numbers(texts: Sequence[str]) -> list[float] | None:
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None
