"""The accuracy at the end over a number that a sweep varied, one curve for each of what else differs."""

import math
from collections.abc import Mapping, Sequence
from operator import itemgetter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lit_tricks.report.joint_curves import group_colours
from lit_tricks.report.runs import Run, key_of
from lit_tricks.report.style import TICK_SIZE, headline, new_figure, printable, style_axes

METRICS = ("test/acc", "val/acc")
# numbers that differ by more than this are set apart evenly on a logarithmic axis only
LOG_FROM = 10

Points = dict[str, dict[float, list[float]]]


def points_over(runs: Sequence[Run], key: str) -> Points:
    """Return label → number of ``key`` → accuracies, completed runs only; empty unless there are two numbers.

    Accuracies are those of the test split, or of validation where a run has no test split; the numbers rise.
    """
    found: Points = {}
    for run in runs:
        number, accuracy = _number(run, key), _accuracy(run)
        if run.completed and number is not None and accuracy is not None:
            found.setdefault(run.label, {}).setdefault(number, []).append(accuracy)
    if len({number for curve in found.values() for number in curve}) < 2:
        return {}
    return {label: dict(sorted(curve.items())) for label, curve in found.items()}


def accuracy_over(points: Mapping[str, Mapping[float, Sequence[float]]], key: str) -> Figure:
    """Draw each label's mean accuracy over the numbers of ``key``, with the range over repeated runs as a band.

    Args:
        points: as ``points_over`` returns them, not empty.
        key: what was varied.
    """
    figure = new_figure(8.5, 4.8)
    axes = figure.subplots()
    style_axes(axes, "", printable(key), "accuracy")
    for (label, curve), colour in zip(points.items(), group_colours(list(points)).values(), strict=True):
        numbers, means = list(curve), [float(np.mean(values)) for values in curve.values()]
        axes.plot(numbers, means, color=colour, marker="o", markersize=4, label=printable(label, 60))
        low, high = ([pick(values) for values in curve.values()] for pick in (min, max))
        axes.fill_between(numbers, low, high, color=colour, alpha=0.18, linewidth=0)
    _scale(axes, sorted({number for curve in points.values() for number in curve}))
    figure.legend(loc="outside lower center", ncols=min(len(points), 3), frameon=False, fontsize=TICK_SIZE)
    headline(figure, _sentence(points, key))
    return figure


def _scale(axes: Axes, numbers: Sequence[float]) -> None:
    if numbers[0] > 0 and numbers[-1] / numbers[0] > LOG_FROM:
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks(numbers, [f"{number:,g}" if abs(number) >= 1 else f"{number:g}" for number in numbers])


def _number(run: Run, key: str) -> float | None:
    """Return the number that the run's last override of ``key`` set; None where there is none."""
    said = [str(override) for override in run.results.get("overrides") or () if key_of(str(override)) == key]
    try:
        number = float(said[-1].partition("=")[2]) if said else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _accuracy(run: Run) -> float | None:
    metrics = run.results.get("metrics") or {}
    return next((float(metrics[name]) for name in METRICS if metrics.get(name) is not None), None)


def _sentence(points: Mapping[str, Mapping[float, Sequence[float]]], key: str) -> str:
    shared = sorted(set.intersection(*(set(curve) for curve in points.values())))
    repeated = max(len(values) for curve in points.values() for values in curve.values())
    tail = f"; bands span {repeated} runs" if repeated > 1 else ""
    if len(points) == 1 or not shared:
        return f"Accuracy over {printable(key)}{tail}"
    parts = []
    for number in dict.fromkeys((shared[0], shared[-1])):
        means = {label: float(np.mean(curve[number])) for label, curve in points.items()}
        (worst, low), *_, (best, high) = sorted(means.items(), key=itemgetter(1))
        parts.append(f"at {number:,g}: {high:.1%} with {printable(best, 30)}, {low:.1%} with {printable(worst, 30)}")
    return "\n".join([f"Highest and lowest accuracy{tail}", *parts])
