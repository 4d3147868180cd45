"""The picture of a confusion matrix."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lit_tricks.report.style import INK, LABEL_SIZE, SOFT, class_labels, headline, new_figure
from lit_tricks.report.summary import MAJORITY

ANNOTATED = 10
NAMED = 60
LONGEST = 16
INCHES_A_LETTER = 0.095
# cells that precision and recall take, with the gap before them
_MARGIN = 1.15


def confusion_matrix(matrix: Sequence[Sequence[int]], class_names: Sequence[str]) -> Figure:
    """Draw a confusion matrix, rows true and columns predicted, coloured by the share of its row.

    Up to 10 classes every cell shows its count and, below it, the percentage of its row; beside each row stands its
    class's recall TP / (TP + FN), below each column its precision TP / (TP + FP), and in the corner the accuracy. More
    classes are a heat map whose colours are stretched, so that a confusion of one in a hundred is still seen.

    Args:
        matrix: (K, K) counts.
        class_names: K names.
    """
    counts = np.asarray(matrix, dtype=np.int64)
    classes = len(counts)
    support = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, support, out=np.full(counts.shape, np.nan), where=support > 0)
    labels = class_labels(class_names, LONGEST)
    annotated = classes <= ANNOTATED
    cell = max(0.68, 3.2 / classes) if annotated else max(0.13, 6.5 / classes)
    side = min(cell * (classes + (_MARGIN if annotated else 0)), 13)
    upright = max(map(len, labels)) * INCHES_A_LETTER > cell
    room = INCHES_A_LETTER * max(map(len, labels))
    figure = new_figure(max(side + room + 1.5, 6.4), side + (room if upright else 0.1) + 1.2)
    axes = figure.subplots()
    # a class without an example has a grey row
    colours = colormaps["Blues"].with_extremes(bad="#ececec")
    norm = PowerNorm(1.0 if annotated else 0.4, vmin=0, vmax=1)
    # filled cells: an image would be resampled to every dot of the page, 40 MB for ten classes
    edges = np.arange(classes + 1) - 0.5
    image = axes.pcolormesh(edges, edges, share, cmap=colours, norm=norm)
    end = classes - 0.5 + (_MARGIN if annotated else 0)
    axes.set(aspect="equal", xlim=(-0.5, end), ylim=(end, -0.5))
    _label(axes, labels, annotated, upright)
    if annotated:
        _annotate(axes, counts, share)
        _measure(axes, counts)
        formulas = "recall = right ÷ row, precision = right ÷ column, corner: accuracy"
        figure.supxlabel(formulas, x=0.99, ha="right", fontsize=8, color=SOFT)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02, ticks=[0, 0.01, 0.1, 0.5, 1] if not annotated else None)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)
    bar.set_label("share of the true class", fontsize=9, color=SOFT)
    headline(figure, _sentence(counts, class_labels(class_names, 12)))
    return figure


def _label(axes: Axes, labels: Sequence[str], annotated: bool, upright: bool) -> None:
    classes = len(labels)
    step = -(-classes // NAMED)
    shown = range(0, classes, step)
    names = [labels[k] for k in shown]
    size = 10 if annotated else float(np.clip(360 * step / classes, 5.5, 9))
    places = list(map(float, shown))
    margin = [classes - 0.5 + _MARGIN - 0.5] if annotated else []
    axes.set_xticks(
        [*places, *margin], [*names, *["recall"] * len(margin)], rotation=90 if upright else 0, fontsize=size
    )
    axes.set_yticks([*places, *margin], [*names, *["precision"] * len(margin)], fontsize=size)
    axes.set_xlabel("predicted", fontsize=LABEL_SIZE, color=INK)
    axes.set_ylabel("true", fontsize=LABEL_SIZE, color=INK)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if annotated:
        edges = np.arange(classes + 1) - 0.5
        axes.set_xticks(edges, minor=True)
        axes.set_yticks(edges, minor=True)
        axes.grid(which="minor", color="white", linewidth=2)
        axes.tick_params(which="minor", length=0)


def _measure(axes: Axes, counts: np.ndarray) -> None:
    """Write recall beside the rows, precision below the columns and the accuracy into the corner."""
    classes, place = len(counts), len(counts) - 0.5 + _MARGIN - 0.5
    right = counts.diagonal()
    figures: list[tuple[float, float, int, int]] = [(place, k, right[k], counts[k].sum()) for k in range(classes)]
    figures += [(k, place, right[k], counts[:, k].sum()) for k in range(classes)]
    figures.append((place, place, right.sum(), counts.sum()))
    for x, y, part, whole in figures:
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor="#f4f4f4", edgecolor="white", linewidth=2))
        # of a class that nobody predicted there is no precision
        told = f"{part / whole:.1%}" if whole else "none"
        weight = "bold" if x == y else "normal"
        text = axes.text(x, y, told, ha="center", va="center", fontsize=9, color=INK, weight=weight)
        text.set_in_layout(False)


def _annotate(axes: Axes, counts: np.ndarray, share: np.ndarray) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count == 0:
            axes.text(column, row, "0", ha="center", va="center", fontsize=8, color="#9a9a9a")
            continue
        colour = "white" if share[row, column] > 0.55 else INK
        axes.text(column, row - 0.13, f"{count:,}", ha="center", va="center", fontsize=10, color=colour)
        percent = f"{share[row, column]:.1%}"
        axes.text(column, row + 0.22, percent, ha="center", va="center", fontsize=7.5, color=colour)
    # all of them lie inside: measuring them would take longer than drawing the rest
    for text in axes.texts:
        text.set_in_layout(False)


def _sentence(counts: np.ndarray, labels: Sequence[str]) -> str:
    total, right = int(counts.sum()), int(counts.trace())
    if total == 0:
        return "No examples"
    sentence = f"{right:,} of {total:,} right ({right / total:.1%})"
    support = counts.sum(axis=1)
    if total > support.max() >= MAJORITY * total:
        recall = counts.diagonal()[support > 0] / support[support > 0]
        sentence += f", balanced accuracy {recall.mean():.1%}"
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    if wrong.max() == 0:
        return sentence
    true, predicted = divmod(int(wrong.argmax()), len(labels))
    return f"{sentence}\nmost often confused: {labels[true]} → {labels[predicted]}, {wrong.max():,} times"
