"""The reliability diagram: are probabilities as high as what they say comes true?"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from lit_tricks.report.style import (
    BLUE,
    INK,
    LABEL_SIZE,
    SOFT,
    VERMILION,
    headline,
    new_figure,
    printable,
    style_axes,
)

BINS = 15


def reliability_diagram(
    before: np.ndarray, after: np.ndarray, targets: np.ndarray, class_names: Sequence[str], split: str
) -> Figure:
    """Draw how often predictions of a probability come true, before and after a correction, over a histogram of them.

    Of two classes it is the probability of the rarer one; of more that of the most probable class (Guo et al. 2017,
    figure 1), in 15 bins of equal width. A point lies at the mean probability of its bin, and the more examples are in
    it, the larger it is.

    Args:
        before, after: (N, K) probabilities.
        targets: (N,) class indices.
        class_names: K names.
        split: what the examples are called.
    """
    rare = int((targets == 1).sum() <= (targets == 0).sum())
    two = len(class_names) == 2
    told = f"probability of {printable(class_names[rare], 24)}" if two else "probability of the most probable class"
    figure = new_figure(6.4, 6.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    style_axes(upper, "", "", "share that came true")
    style_axes(lower, "", told, "examples")
    upper.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle=":", label="as sure as right")
    errors = []
    drawn = (("before", before, VERMILION, "s", "--"), ("after", after, BLUE, "o", "-"))
    for label, probabilities, colour, marker, dashes in drawn:
        said = probabilities[:, rare] if two else probabilities.max(1)
        true = targets == rare if two else probabilities.argmax(1) == targets
        errors.append(_curve(upper, lower, said, true, label, colour, marker, dashes))
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    lower.set_yscale("symlog", linthresh=1)
    lower.set_ylim(bottom=0)
    lower.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    for axis in (upper.xaxis, upper.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=LABEL_SIZE, labelcolor=INK)
    headline(
        figure,
        f"Expected calibration error from {errors[0]:.1%} before to {errors[1]:.1%} after the correction, "
        f"{len(targets):,} {split} examples",
    )
    return figure


def _curve(
    upper: Axes, lower: Axes, said: np.ndarray, true: np.ndarray, label: str, colour: str, marker: str, dashes: str
) -> float:
    """Draw one curve and its histogram, and return its expected calibration error."""
    said = said.astype(np.float64)
    places = np.minimum((said * BINS).astype(np.intp), BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    filled = np.flatnonzero(counts)
    mean, came = (np.bincount(places, weights=w, minlength=BINS)[filled] / counts[filled] for w in (said, true))
    error = float((counts[filled] * np.abs(mean - came)).sum() / len(said))
    upper.plot(mean, came, color=colour, linestyle=dashes, linewidth=0.9, label=f"{label}: error {error:.1%}")
    sizes = 12 + 180 * np.sqrt(counts[filled] / len(said))
    upper.scatter(mean, came, sizes, color=colour, marker=marker, edgecolors="white", linewidths=0.6, zorder=3)
    lower.stairs(counts, np.linspace(0, 1, BINS + 1), color=colour, linestyle=dashes, linewidth=1.4)
    return error
