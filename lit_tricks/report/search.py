"""The picture of a search over parameters."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lit_tricks.report.style import INK, LABEL_SIZE, SOFT, TICK_SIZE, VERMILION, headline, new_figure, printable

SCORES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "f1_macro": "F1 (macro)"}
MOST_CELLS = 144


def search_heatmap(
    rows: Sequence[Mapping[str, Any]], parameters: Sequence[str], best: int, scoring: str, folds: int
) -> Figure:
    """Draw the mean score of every combination that a search tried, the best one framed.

    The two parameters with most values are the axes; of the combinations that share a cell, which differ in
    further parameters, the best counts.

    Args:
        rows: for each combination its parameters by name, and ``mean``, its score averaged over the folds.
        parameters: the names of what was varied, at least one.
        best: the position of the winner in ``rows``.
        scoring: the score's name in scikit-learn.
        folds: number of folds.
    """
    values = {name: _ordered([row[name] for row in rows]) for name in parameters}
    down, *others = sorted(parameters, key=lambda name: -len(values[name]))[:2]
    across = others[0] if others else None
    columns = values[across] if across else [None]
    table = np.full((len(values[down]), len(columns)), np.nan)
    for row in rows:
        cell = values[down].index(row[down]), columns.index(row[across]) if across else 0
        table[cell] = np.fmax(table[cell], row["mean"])
    place = values[down].index(rows[best][down]), columns.index(rows[best][across]) if across else 0
    score = SCORES.get(scoring, printable(scoring))
    figure = new_figure(max(2.6 + 0.85 * len(columns), 6.2), max(1.7 + 0.55 * len(table), 3.0))
    axes = figure.subplots()
    image = axes.imshow(table, cmap=colormaps["Blues"].with_extremes(bad="#ececec"), aspect="auto", vmin=_floor(table))
    _label(axes, down, values[down], across, columns)
    if table.size <= MOST_CELLS:
        _annotate(axes, table, image.norm)
    axes.add_patch(
        Rectangle((place[1] - 0.5, place[0] - 0.5), 1, 1, fill=False, edgecolor=VERMILION, linewidth=2.5, clip_on=False)
    )
    bar = figure.colorbar(image, ax=axes, pad=0.02)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)
    bar.set_label(f"mean {score} over {folds} folds", fontsize=9, color=SOFT)
    winner = ", ".join(f"{name} = {_text(rows[best][name])}" for name in parameters)
    left_out = [name for name in parameters if name not in (down, across)]
    best_of = f"\neach cell: the best over {', '.join(left_out)}" if left_out else ""
    headline(
        figure, f"Best of {len(rows)}: {winner}\nmean {score} {rows[best]['mean']:.4f} over {folds} folds{best_of}"
    )
    return figure


def _ordered(values: Sequence[Any]) -> list[Any]:
    """Return the distinct values, numbers first and rising."""
    distinct = list(dict.fromkeys(values))
    numbers = sorted(v for v in distinct if isinstance(v, int | float) and not isinstance(v, bool))
    return [*numbers, *(v for v in distinct if v not in numbers)]


def _label(axes: Axes, down: str, rows: Sequence[Any], across: str | None, columns: Sequence[Any]) -> None:
    axes.set_yticks(range(len(rows)), [_text(value) for value in rows], fontsize=TICK_SIZE)
    axes.set_ylabel(printable(down), fontsize=LABEL_SIZE, color=INK)
    if across:
        axes.set_xticks(range(len(columns)), [_text(value) for value in columns], fontsize=TICK_SIZE)
        axes.set_xlabel(printable(across), fontsize=LABEL_SIZE, color=INK)
    else:
        axes.set_xticks([])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _annotate(axes: Axes, table: np.ndarray, norm: Any) -> None:
    for (row, column), value in np.ndenumerate(table):
        if np.isfinite(value):
            colour = "white" if norm(value) > 0.55 else INK
            axes.text(column, row, f"{value:.4f}", ha="center", va="center", fontsize=9, color=colour)


def _floor(table: np.ndarray) -> float:
    """Return a lower end of the colours that keeps the worst cell from looking empty."""
    low, high = np.nanmin(table), np.nanmax(table)
    return float(low - 0.15 * (high - low)) if high > low else float(low - 1)


def _text(value: Any) -> str:
    return printable(f"{value:g}" if isinstance(value, float) else value, 16)
