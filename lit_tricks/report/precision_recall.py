"""Precision over recall of one of two classes, with the threshold that was chosen."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from lit_tricks.report.style import (
    INK,
    LABEL_SIZE,
    SOFT,
    SPLIT_COLOURS,
    SPLIT_NAMES,
    headline,
    new_figure,
    printable,
    style_axes,
)

DASHES = {"val": "--", "test": "-"}
MARKERS = {"val": "s", "test": "o"}


def precision_recall_curves(
    splits: Mapping[str, tuple[np.ndarray, np.ndarray]], threshold: float, class_name: str
) -> Figure:
    """Draw precision over recall at every threshold, the chosen one marked, above the share of the class.

    Args:
        splits: ``val`` or ``test`` → probabilities (N,) of the class, and (N,) whether examples are of it.
        threshold: the probability from which on the class is answered.
        class_name: what it is called.
    """
    figure = new_figure(6.4, 5.4)
    axes = figure.subplots()
    style_axes(axes, "", "recall: share of the class that is found", "precision: share of its answers that are right")
    name, told = printable(class_name, 24), []
    for split, (scores, positive) in splits.items():
        if not positive.any():
            continue
        colour = SPLIT_COLOURS[split]
        recall, precision = _curve(scores, positive)
        label = f"{SPLIT_NAMES[split]} ({positive.sum():,} of {len(positive):,})"
        axes.plot(recall, precision, color=colour, linestyle=DASHES[split], linewidth=1.6, label=label)
        axes.axhline(positive.mean(), color=colour, linestyle=DASHES[split], linewidth=0.8, alpha=0.6)
        answered = scores.astype(np.float64) >= threshold
        hits = int((answered & positive).sum())
        found, right = hits / positive.sum(), hits / answered.sum() if answered.any() else 1.0
        axes.plot(found, right, MARKERS[split], color=colour, markersize=10, markeredgecolor=INK, zorder=5)
        told.append(f"{SPLIT_NAMES[split]}: {found:.1%} found, {right:.1%} of the answers right")
    axes.set(xlim=(-0.02, 1.03), ylim=(-0.02, 1.05))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.plot([], [], color=SOFT, linewidth=0.8, label="by chance")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=LABEL_SIZE, labelcolor=INK)
    headline(figure, "\n".join([f"{name} answered from probability {threshold:.3g} on", *told]))
    return figure


def _curve(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return recall and precision at every threshold, from the highest on."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) < 0, True))
    hits = np.cumsum(positive[order])[last]
    return hits / positive.sum(), hits / (last + 1)
