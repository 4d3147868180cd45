"""Confusion matrices side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from lit_tricks.report.runs import Run
from lit_tricks.report.style import INK, SOFT, class_labels, headline, new_figure, printable

COLUMNS = 3
MOST_GROUPS = 6
ANNOTATED = 10
NAMED = 20


def joint_confusion(groups: Mapping[str, Sequence[Run]]) -> Figure | None:
    """Draw the confusion matrix of each group, summed over its runs, coloured by the share of its row.

    At most six groups are drawn, the first ones; None where runs left no matrices of one size. Up to ten classes each
    cell has the percentage of its row.

    Args:
        groups: label → runs on the same test set.
    """
    found = {label: matrix for label, runs in groups.items() if (matrix := _summed(runs)) is not None}
    matrices = dict(list(found.items())[:MOST_GROUPS])
    if not matrices or len({matrix.shape for matrix in matrices.values()}) > 1:
        return None
    names = class_labels(_classes(next(iter(groups.values()))[0], len(next(iter(matrices.values())))), 12)
    columns = 2 if len(matrices) == 4 else min(len(matrices), COLUMNS)
    rows = -(-len(matrices) // columns)
    figure = new_figure(max(4.1 * columns, 6.4), 4.3 * rows + 0.5)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    annotated = len(names) <= ANNOTATED
    norm = PowerNorm(1.0 if annotated else 0.4, vmin=0, vmax=1)
    for place, axes in enumerate(panels):
        if place >= len(matrices):
            axes.set_axis_off()
            continue
        label, counts = list(matrices.items())[place]
        support = counts.sum(axis=1, keepdims=True)
        share = np.divide(counts, support, out=np.full(counts.shape, np.nan), where=support > 0)
        edges = np.arange(len(names) + 1) - 0.5
        axes.pcolormesh(edges, edges, share, cmap=colormaps["Blues"].with_extremes(bad="#ececec"), norm=norm)
        axes.set(aspect="equal", ylim=(len(names) - 0.5, -0.5))
        title = f"{printable(label, 30)}\n{counts.trace() / counts.sum():.2%} right"
        axes.set_title(title, loc="left", fontsize=10, color=INK)
        ticks = range(0, len(names), -(-len(names) // NAMED))
        axes.set_xticks(list(ticks), [names[k] for k in ticks], rotation=90, fontsize=7.5)
        axes.set_yticks(list(ticks), [names[k] for k in ticks] if place % columns == 0 else [], fontsize=7.5)
        axes.tick_params(length=0, labelcolor=SOFT)
        axes.spines[:].set_visible(False)
        if annotated:
            for (row, column), value in np.ndenumerate(share):
                if value >= 0.005:
                    colour = "white" if value > 0.55 else INK
                    text = axes.text(
                        column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=7, color=colour
                    )
                    text.set_in_layout(False)
    left = "" if len(matrices) == len(found) else f", the first {len(matrices)} of {len(found)} groups"
    headline(figure, f"Percent of each true class (rows) by prediction (columns), all seeds together{left}")
    return figure


def _summed(runs: Sequence[Run]) -> np.ndarray | None:
    found = []
    for run in runs:
        matrix = run.results.get("confusion_matrix")
        try:
            counts = np.asarray(matrix, dtype=np.int64)
        except (TypeError, ValueError, OverflowError):
            continue
        if counts.ndim == 2 and counts.shape[0] == counts.shape[1] and counts.sum() > 0:
            found.append(counts)
    if not found or len({counts.shape for counts in found}) > 1:
        return None
    return np.sum(found, axis=0)


def _classes(run: Run, count: int) -> list[str]:
    per_class = run.results.get("per_class")
    names = [str(name) for name in per_class] if isinstance(per_class, dict) else []
    return names if len(names) == count else [str(k) for k in range(count)]
