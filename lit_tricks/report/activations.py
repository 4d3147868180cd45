"""Activation functions with their derivatives, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from lit_tricks.report.style import BLUE, INK, LABEL_SIZE, SOFT, TICK_SIZE, VERMILION, headline, new_figure, style_axes

COLUMNS = 4
# of the vertical axes, which all panels share: what lies beyond is a straight line
LOWEST, HIGHEST = -1.3, 3.0


@dataclass(frozen=True)
class ActivationCurve:
    """One activation's ``outputs`` and ``slopes``, each (N,) over the drives; ``flat`` is the share without slope."""

    word: str
    outputs: np.ndarray
    slopes: np.ndarray
    flat: float


def activation_grid(drives: np.ndarray, curves: Sequence[ActivationCurve], threshold: float) -> tuple[Figure, str]:
    """Draw each activation with its derivative; drives whose slope is below ``threshold`` are shaded.

    Returns the picture and the sentence above it.
    """
    columns = min(COLUMNS, len(curves))
    rows = -(-len(curves) // columns)
    figure = new_figure(2.9 * columns + 0.3, 2.7 * rows + 0.9)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, curve in zip(panels, curves, strict=False):
        style_axes(axes, curve.word)
        axes.fill_between(
            drives, 0, 1, where=np.abs(curve.slopes) < threshold, transform=axes.get_xaxis_transform(),
            color="#ececec", linewidth=0, zorder=0,
        )  # fmt: skip
        axes.axhline(0, color=SOFT, linewidth=0.8)
        axes.plot(drives, curve.outputs, color=BLUE, linewidth=2, label="output")
        axes.plot(drives, curve.slopes, color=VERMILION, linewidth=1.8, linestyle=(0, (4, 2)), label="derivative")
        axes.text(
            0.03, 0.95, f"slope up to {curve.slopes.max():.3g}\nflat: {curve.flat:.0%}",
            transform=axes.transAxes, va="top", fontsize=TICK_SIZE, color=INK,
        )  # fmt: skip
        axes.set_xlim(drives[0], drives[-1])
        axes.set_ylim(LOWEST, HIGHEST)
    for axes in panels[max(len(curves) - columns, 0) : len(curves)]:
        axes.set_xlabel("drive z", fontsize=LABEL_SIZE, color=INK)
        axes.tick_params(labelbottom=True)
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=2, frameon=False, fontsize=LABEL_SIZE)
    figure.text(
        0.99, 0.012, f"shaded: the derivative is below {threshold:g}", ha="right", fontsize=TICK_SIZE, color=SOFT
    )
    sentence = _sentence(drives, curves)
    headline(figure, sentence)
    return figure, sentence


def _sentence(drives: np.ndarray, curves: Sequence[ActivationCurve]) -> str:
    ranked = sorted(curves, key=lambda curve: -curve.flat)
    shares = ", ".join(f"{curve.word} {curve.flat:.0%}" for curve in ranked)
    return f"Drives between {drives[0]:g} and {drives[-1]:g} with hardly any slope: {shares}"
