"""The forest plot of a comparison: every group's difference to the baseline with its interval."""

import math
import re

from matplotlib.figure import Figure

from lit_tricks.report.answer import change, is_share, metric_words
from lit_tricks.report.comparing import NO_EFFECT, Comparison, Group
from lit_tricks.report.style import BLUE, INK, SOFT, TICK_SIZE, VERMILION, headline, new_figure, printable, style_axes

COLOURS = {"helps": BLUE, "hurts": VERMILION}
# more rows are no picture any more: the best and the worst are drawn
MOST_ROWS = 40
LABEL_WIDTH = 46


def forest_plot(comparison: Comparison) -> Figure | None:
    """Draw the paired differences with 95% intervals and each pair as a dot; None where no group has a pair.

    They stand in the order of their difference; beyond 40 groups the 20 best and the 20 worst are drawn.
    """
    with_pairs = [group for group in comparison.others if group.effect is not None]
    if not with_pairs:
        return None
    ranked = sorted(with_pairs, key=_mean, reverse=not comparison.lower_is_better)
    half = MOST_ROWS // 2
    shown = ranked if len(ranked) <= MOST_ROWS else [*ranked[:half], *ranked[-half:]]
    # the last part of a dotted key says enough where room is short
    names = [printable(re.sub(r"\b(?:\w+\.)+(\w+=)", r"\1", group.label), LABEL_WIDTH) for group in shown]
    figure = new_figure(7.2 + 0.07 * max(map(len, names)), 1.5 + (0.42 if len(shown) < 15 else 0.3) * len(shown))
    axes = figure.subplots()
    share = is_share(comparison.metric)
    unit = "points of " if share else ""
    style_axes(
        axes, xlabel=f"{unit}{metric_words(comparison.metric)}, group minus {printable(comparison.baseline.label)}"
    )
    axes.axvline(0, color=SOFT, linewidth=1, zorder=1)
    scale = 100 if share else 1
    before = {run.pair: value for run, value in zip(comparison.baseline.runs, comparison.baseline.values, strict=True)}
    for place, group in enumerate(shown):
        colour = COLOURS.get(group.verdict, SOFT)
        pairs = zip(group.runs, group.values, strict=True)
        dots = [scale * (value - before[run.pair]) for run, value in pairs if run.pair in before]
        axes.plot(dots, [place] * len(dots), "o", color=colour, alpha=0.35, markersize=4, markeredgewidth=0)
        assert group.effect is not None
        difference = group.effect.difference
        if math.isfinite(difference.low):
            axes.plot([scale * difference.low, scale * difference.high], [place] * 2, color=colour, linewidth=2.2)
        axes.plot(scale * difference.mean, place, "D", color=colour, markersize=7)
        told = f"{change(difference.mean, comparison.metric)}  {group.verdict}"
        axes.annotate(
            told, (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=TICK_SIZE, color=INK
        )
    axes.set_yticks(range(len(shown)), names, fontsize=TICK_SIZE)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color="#e3e3e3", linewidth=0.8)
    headline(figure, _sentence(comparison, len(shown)))
    return figure


def _mean(group: Group) -> float:
    return 0.0 if group.effect is None else group.effect.difference.mean


def _sentence(comparison: Comparison, shown: int) -> str:
    verdicts = [group.verdict for group in comparison.others]
    counts = {verdict: verdicts.count(verdict) for verdict in (*COLOURS, NO_EFFECT)}
    parts = [f"{verdict}: {count}" for verdict, count in counts.items() if count]
    rest = "" if shown == len(verdicts) else f"; {shown} are drawn"
    if not parts:
        return f"Differences to {printable(comparison.baseline.label)} of one seed: no test is possible{rest}"
    return f"{', '.join(parts)} (mean difference, 95% interval, each seed a dot{rest})"
