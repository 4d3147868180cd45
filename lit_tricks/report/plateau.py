"""Learning curves with a plateau: how long the loss stays, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from lit_tricks.report.style import INK, LABEL_SIZE, SOFT, headline, new_figure, printable, style_axes
from lit_tricks.report.surface import line_styles


@dataclass(frozen=True)
class PlateauCurve:
    """The training of one output neuron whose target is 0; each array has one value an epoch, epoch 0 untrained.

    Attributes:
        name: what was trained.
        settings: how, in a few words.
        losses: (E + 1,), positive.
        outputs: (E + 1,) mean output.
        slopes: (E + 1,) mean slope of the output neuron.
    """

    name: str
    settings: str
    losses: np.ndarray
    outputs: np.ndarray
    slopes: np.ndarray

    @property
    def halved(self) -> int | None:
        """The first epoch whose loss is below half of the untrained one; None when none is."""
        below = np.flatnonzero(self.losses < self.losses[0] / 2)
        return int(below[0]) if len(below) else None


def plateau_curves(curves: Sequence[PlateauCurve]) -> tuple[Figure, str]:
    """Draw loss, output and slope against the epochs and return the picture with the sentence above it."""
    figure = new_figure(12.5, 4.6)
    loss, output, slope = figure.subplots(1, 3)
    style_axes(loss, "Loss as a share of the untrained one; ● halved", "epochs trained")
    style_axes(output, "Mean output (the target is 0)", "epochs trained")
    style_axes(slope, "Mean slope \N{GREEK SMALL LETTER SIGMA}'(z) of the output neuron", "epochs trained")
    loss.axhline(0.5, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
    for (colour, dashes), curve in zip(line_styles(len(curves)), curves, strict=True):
        style = {"color": colour, "linestyle": dashes, "linewidth": 1.8}
        loss.plot(curve.losses / curve.losses[0], label=f"{printable(curve.name)}: {curve.settings}", **style)
        output.plot(curve.outputs, **style)
        slope.semilogy(curve.slopes, **style)
        if curve.halved is not None:
            loss.plot(curve.halved, 0.5, marker="o", markersize=7, color=colour, markeredgecolor="white", zorder=4)
    for epoch in {curve.halved for curve in curves if curve.halved is not None}:
        early = epoch < len(curves[0].losses) / 2
        loss.annotate(
            f"epoch {epoch}", (epoch, 0.5), xytext=(9 if early else -9, 7), textcoords="offset points",
            ha="left" if early else "right", fontsize=LABEL_SIZE, color=INK,
        )  # fmt: skip
    for axes in (loss, output):
        axes.set_ylim(0, 1.05)
    slope.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    figure.legend(loc="outside lower left", frameon=False, fontsize=LABEL_SIZE, handlelength=3)
    sentence = f"Epochs until the loss halves: {', '.join(map(_epochs, curves))}"
    headline(figure, sentence)
    return figure, sentence


def _epochs(curve: PlateauCurve) -> str:
    count = f"more than {len(curve.losses) - 1}" if curve.halved is None else str(curve.halved)
    return f"{count} for {printable(curve.name)}"
