"""What losses pull with at a neuron's drive."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from lit_tricks.report.style import INK, LABEL_SIZE, SOFT, TICK_SIZE, headline, new_figure, printable, style_axes
from lit_tricks.report.surface import line_styles

# the formula's marks stand this many points apart
EVERY = 10


@dataclass(frozen=True)
class Pull:
    """The gradient of one loss at the drive, each array (N,) over the drives.

    Attributes:
        name: the loss.
        formula: the gradient in words.
        measured_0, measured_1: by automatic differentiation, for the targets 0 and 1.
        formula_0, formula_1: by the formula.
    """

    name: str
    formula: str
    measured_0: np.ndarray
    measured_1: np.ndarray
    formula_0: np.ndarray
    formula_1: np.ndarray


def pulls_at_the_drive(drives: np.ndarray, pulls: Sequence[Pull]) -> tuple[Figure, str]:
    """Draw each loss's gradient against the drive for both targets and return the picture with its sentence."""
    figure = new_figure(11.5, 5.0)
    left, right = figure.subplots(1, 2, sharey=True)
    style_axes(left, "Target 0: the further right, the more wrong", "drive z", "gradient of the loss at z")
    style_axes(right, "Target 1: the further left, the more wrong", "drive z")
    for number, ((colour, _), pull) in enumerate(zip(line_styles(len(pulls)), pulls, strict=True)):
        # where two curves coincide the dashes of the upper one let the lower one through
        dashes = "-" if number % 2 == 0 else (0, (4, 3))
        label = f"{printable(pull.name)}: {pull.formula}"
        for axes, measured, formula in (
            (left, pull.measured_0, pull.formula_0),
            (right, pull.measured_1, pull.formula_1),
        ):
            axes.plot(drives, measured, color=colour, linestyle=dashes, linewidth=2.4 - 0.3 * number, label=label)
            start = number * EVERY // max(len(pulls), 1)
            axes.plot(
                drives[start::EVERY], formula[start::EVERY], color="white", marker="o", markersize=5, linestyle="",
                markeredgecolor=colour, zorder=3,
            )  # fmt: skip
    for axes in (left, right):
        axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
        axes.set_xlim(drives[0], drives[-1])
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=len(pulls), frameon=False, fontsize=LABEL_SIZE)
    left.text(
        0.02, 0.97, "lines: measured by automatic differentiation\n○ the formula",
        transform=left.transAxes, va="top", fontsize=TICK_SIZE, color=SOFT,
    )  # fmt: skip
    sentence = _sentence(drives, pulls)
    headline(figure, sentence)
    return figure, sentence


def _sentence(drives: np.ndarray, pulls: Sequence[Pull]) -> str:
    ends = [f"{printable(pull.name)} {abs(pull.measured_0[-1]):.3g}" for pull in pulls]
    return f"Pull on a neuron at drive {drives[-1]:g} whose target is 0: {', '.join(ends)}"
