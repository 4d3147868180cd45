"""Picture of a learning-rate range test."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from lit_tricks.report.style import BLUE, GREEN, INK, SOFT, TICK_SIZE, VERMILION, headline, new_figure, style_axes


def range_test_curve(
    rates: Sequence[float], losses: Sequence[float], levels: Sequence[float], marks: dict[str, float], chosen: str
) -> Figure:
    """Draw the loss over the learning rate, raw and smoothed, with the suggested rates marked.

    Args:
        rates: rate of each step, rising, greater than 0.
        losses: its loss.
        levels: its smoothed loss.
        marks: rates by the name of the rule that suggests them; each is one of ``rates``.
        chosen: the name of the rule that was followed.
    """
    figure = new_figure(6.4, 3.9)
    axes = figure.subplots()
    style_axes(axes, "", "learning rate (logarithmic)", "training loss")
    axes.set_xscale("log")
    axes.plot(rates, losses, color=SOFT, linewidth=0.8, alpha=0.6, label="each step")
    axes.plot(rates, levels, color=BLUE, linewidth=2, label="smoothed")
    positions = {rate: index for index, rate in enumerate(rates)}
    for (name, rate), colour, marker in zip(marks.items(), (VERMILION, GREEN), "os", strict=True):
        label = f"{name}: {rate:.3g}" + (" (taken)" if name == chosen else "")
        axes.plot(rate, levels[positions[rate]], marker, color=colour, markersize=8, markeredgecolor=INK, label=label)
    # a loss that explodes would flatten the part that matters
    low, high = min(losses), max(levels[: levels.index(min(levels)) + 1])
    axes.set_ylim(low - 0.15 * (high - low), high + 0.35 * (high - low))
    axes.xaxis.set_major_locator(LogLocator(numticks=12))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(frameon=False, fontsize=TICK_SIZE, loc="best")
    headline(figure, f"The range test suggests a learning rate of {marks[chosen]:.3g}")
    return figure
