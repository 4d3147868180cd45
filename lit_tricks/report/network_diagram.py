"""A dense network as a diagram: columns of units, lines for weights, counts below."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from lit_tricks.report.style import BLUE, GREEN, INK, SOFT, TICK_SIZE, VERMILION, headline, new_figure

# wider layers are drawn by their first and last units
MOST_UNITS = 12
INVISIBLE = frozenset({"Linear", "Dropout", "Identity"})
COLUMN_INCHES, UNIT_INCHES, LINE_INCHES = 1.75, 0.36, 0.17
# columns of a deep network move together, and have no captions where there is no room for any
WIDEST, NARROWEST_COLUMN = 30.0, 1.1


def network_diagram(layers: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw a dense network: units, weights as lines, and how many weights and biases each layer has.

    Args:
        layers: its parts in their order, each with ``kind``, ``units``, ``weights``, ``biases`` and, of linear
            layers, ``inputs``, as ``results.json`` holds them.
    """
    linear = [layer for layer in layers if layer["kind"] == "Linear"]
    sizes = [linear[0]["inputs"], *(layer["units"] for layer in linear)]
    functions = [_after(layers, number) for number in range(len(sizes))]
    tallest = min(max(sizes), MOST_UNITS + 1)
    above = LINE_INCHES * (2 + max(map(len, functions)))
    column = min(COLUMN_INCHES, WIDEST / len(sizes))
    figure = new_figure(max(column * len(sizes), 7.6), UNIT_INCHES * max(tallest, 3) + above + 1.3)
    axes = figure.subplots()
    axes.set_axis_off()
    columns = [_places(size, number) for number, size in enumerate(sizes)]
    for left, right in pairwise(columns):
        lines = [(tuple(start), tuple(end)) for start in left for end in right]
        axes.add_collection(LineCollection(lines, colors=SOFT, linewidths=0.5, alpha=0.45, zorder=1))
    top = max(tallest, 3) / 2
    for number, (places, size) in enumerate(zip(columns, sizes, strict=True)):
        colour = GREEN if number == 0 else VERMILION if number == len(sizes) - 1 else BLUE
        axes.plot(*places.T, linestyle="", marker="o", markersize=16, color=colour, markeredgecolor="white", zorder=2)
        if size > MOST_UNITS:
            axes.text(number, 0, "⋮", ha="center", va="center", fontsize=16, color=INK, zorder=3)
    if column >= NARROWEST_COLUMN:
        for number, size in enumerate(sizes):
            role = "input" if number == 0 else "output" if number == len(sizes) - 1 else f"hidden {number}"
            _caption(axes, "\n".join([role, f"{size:,}", *functions[number]]), (number, top), 72 * above)
        for number, layer in enumerate(linear):
            counts = [_count(layer["weights"], "weight", "s"), f"+ {_count(layer['biases'], 'bias', 'es')}"]
            total = f"= {layer['weights'] + layer['biases']:,}"
            _caption(axes, "\n".join([*counts, total]), (number + 0.5, -top), -6)
    axes.set_xlim(-0.45, len(sizes) - 0.55)
    axes.set_ylim(-top, top)
    headline(figure, count_sentence(layers))
    return figure


def count_sentence(layers: Sequence[Mapping[str, Any]]) -> str:
    """Return the sizes of a dense network's layers with its numbers of weights and biases."""
    linear = [layer for layer in layers if layer["kind"] == "Linear"]
    sizes = "-".join(str(size) for size in (linear[0]["inputs"], *(layer["units"] for layer in linear)))
    weights, biases = (sum(layer[kind] for layer in linear) for kind in ("weights", "biases"))
    others = sum(layer["weights"] + layer["biases"] for layer in layers if layer["kind"] != "Linear")
    norms = f" + {others:,} of norms" if others else ""
    sums = f"{_count(weights, 'weight', 's')} + {_count(biases, 'bias', 'es')}{norms}"
    return f"{sizes}: {sums} = {weights + biases + others:,} parameters"


def _caption(axes: Axes, text: str, place: tuple[float, float], points_above: float) -> None:
    axes.annotate(
        text, place, xytext=(0, points_above), textcoords="offset points", ha="center", va="top",
        fontsize=TICK_SIZE, color=INK,
    )  # fmt: skip


def _count(number: int, single: str, ending: str) -> str:
    return f"{number:,} {single}{'' if number == 1 else ending}"


def _places(size: int, x: float) -> np.ndarray:
    """Return (n, 2) the centres of the units that are drawn; a gap in the middle stands for those that are not."""
    if size <= MOST_UNITS:
        heights = np.arange(size)[::-1] - (size - 1) / 2
    else:
        heights = np.delete(np.arange(MOST_UNITS + 1)[::-1] - MOST_UNITS / 2, MOST_UNITS // 2)
    return np.stack([np.full(len(heights), x), heights], axis=1)


def _after(layers: Sequence[Mapping[str, Any]], number: int) -> list[str]:
    """Return the parts that follow the linear layer ``number``, counted from 1, up to the next one."""
    found: list[list[str]] = [[]]
    for layer in layers:
        if layer["kind"] == "Linear":
            found.append([])
        elif layer["kind"] not in INVISIBLE:
            found[-1].append(layer["kind"])
    return found[number]
