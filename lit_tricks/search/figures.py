"""Pictures of a search: how it went, what each hyperparameter does, and what was cut when."""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lit_tricks.report.search import search_heatmap
from lit_tricks.report.style import (
    BLUE,
    SOFT,
    TICK_SIZE,
    VERMILION,
    headline,
    new_figure,
    printable,
    style_axes,
)
from lit_tricks.search.plan import Choice, Parameter, Settings

COLUMNS = 3
# beyond this the labels of choices run into each other
SHORT = 12
Trials = Sequence[Mapping[str, Any]]


def history(summary: Mapping[str, Any]) -> Figure:
    """Draw every trial's value, with its standard deviation over seeds and folds, and the best so far.

    Trials without a value, failed or diverged, are ticks on the axis.
    """
    figure = new_figure(7.2, 3.9)
    axes = figure.subplots()
    metric, found = summary["metric"], summary["best"]
    style_axes(axes, "", "trial", metric)
    completed, pruned = _of(summary, "completed"), _of(summary, "pruned")
    _points(axes, _numbers(completed), completed, BLUE, "completed")
    if pruned:
        y = [trial["value"] for trial in pruned]
        axes.scatter(_numbers(pruned), y, marker="x", s=30, color=SOFT, linewidths=1.2, label="pruned, last value")
    absent = [trial for trial in summary["trials"] if trial["value"] is None]
    if absent:
        ground = axes.get_xaxis_transform()
        axes.plot(_numbers(absent), [0.01] * len(absent), "|", color=SOFT, transform=ground, label="without a value")
    best_of = max if summary["direction"] == "maximize" else min
    so_far = list(accumulate((trial["value"] for trial in completed), best_of))
    last = summary["trials"][-1]["number"]
    axes.step(
        [*_numbers(completed), last], [*so_far, so_far[-1]], where="post", color=VERMILION, linewidth=1.6,
        label="best so far", zorder=1,
    )  # fmt: skip
    _logarithmic_if_wide(axes, [trial["value"] for trial in [*completed, *pruned]])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    figure.legend(loc="outside lower left", ncols=4, frameon=False, fontsize=TICK_SIZE)
    headline(
        figure, f"Best {metric} of {len(summary['trials'])} trials: {found['value']:.4g} in trial {found['number']}"
    )
    return figure


def slices(summary: Mapping[str, Any], parameters: Sequence[Parameter]) -> Figure:
    """Draw the value of every completed trial over each hyperparameter in turn.

    A panel's title has the hyperparameter's share of the variance where there are trials enough to tell.
    """
    columns = min(len(parameters), COLUMNS)
    rows = -(-len(parameters) // columns)
    figure = new_figure(max(3.2 * columns, 5.6), 0.5 + 3.0 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).flatten()
    completed = _of(summary, "completed")
    importance = summary["importance"] or {}
    for index, axes in enumerate(panels):
        if index >= len(parameters):
            axes.set_axis_off()
            continue
        parameter = parameters[index]
        share = importance.get(parameter.key)
        title = "" if share is None else f"importance {share:.0%}"
        style_axes(axes, title, printable(parameter.key), summary["metric"] if index % columns == 0 else "")
        _slice(axes, parameter, completed, summary["best"]["number"])
    _logarithmic_if_wide(panels[0], [trial["value"] for trial in completed])
    headline(figure, f"{summary['metric']} by hyperparameter; best in orange")
    return figure


def grid(summary: Mapping[str, Any], parameters: Sequence[Parameter]) -> Figure:
    """Draw the value of every combination that completed as a map over the two hyperparameters with most values."""
    completed = _of(summary, "completed")
    keys = [parameter.key for parameter in parameters]
    rows = [{key: _typed(trial["params"][key]) for key in keys} | {"mean": trial["value"]} for trial in completed]
    best = _numbers(completed).index(summary["best"]["number"])
    runs, lower = len(summary["runs_per_trial"]), summary["direction"] == "minimize"
    return search_heatmap(rows, keys, best, summary["metric"], runs, "run" if runs == 1 else "runs", lower)


def curves(summary: Mapping[str, Any], settings: Settings) -> Figure:
    """Draw the metric of every trial's first run over its epochs, where successive halving cuts, and who was cut.

    A trial that repeats the hyperparameters of another was not trained and is left out.
    """
    figure = new_figure(7.2, 4.2)
    axes = figure.subplots()
    style_axes(axes, "", "epoch", f"{summary['metric']} of the first run")
    trials = [trial for trial in summary["trials"] if trial["curve"] and trial["same_as"] is None]
    longest, best = max(trial["epochs"] for trial in trials), summary["best"]["number"]
    for cut in settings.cuts(longest):
        axes.axvline(cut, color=SOFT, linewidth=0.9, linestyle=":", label="_" if cut != settings.min_epochs else "cut")
    values = [value for trial in trials for value in trial["curve"].values() if value is not None]
    looks: list[tuple[str, Trials, dict[str, Any]]] = [
        ("pruned", _in(trials, "pruned", "diverged"), {"color": SOFT, "linewidth": 1.0, "marker": "x"}),
        (
            "completed",
            [trial for trial in _in(trials, "completed") if trial["number"] != best],
            {"color": BLUE, "marker": "o"},
        ),
        (
            "best",
            [trial for trial in trials if trial["number"] == best],
            {"color": VERMILION, "linewidth": 2.2, "marker": "o"},
        ),
    ]
    for name, members, look in looks:
        for index, trial in enumerate(members):
            x, y = list(trial["curve"]), [math.nan if value is None else value for value in trial["curve"].values()]
            axes.plot(x, y, **look, markersize=5, markevery=[-1], label="_" if index else name)
    _logarithmic_if_wide(axes, values)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    figure.legend(loc="outside lower left", ncols=4, frameon=False, fontsize=TICK_SIZE)
    cut, spent = len(looks[0][1]), sum(trial["epochs"] for trial in trials) / (longest * len(trials))
    headline(figure, f"{cut} of {len(trials)} trials were cut: {spent:.0%} of the first runs' epochs were trained")
    return figure


def _in(trials: Trials, *states: str) -> list[Mapping[str, Any]]:
    return [trial for trial in trials if trial["state"] in states]


def _numbers(trials: Trials) -> list[int]:
    return [trial["number"] for trial in trials]


def _of(summary: Mapping[str, Any], state: str) -> list[Mapping[str, Any]]:
    return [trial for trial in _in(summary["trials"], state) if trial["value"] is not None]


def _points(axes: Axes, x: Sequence[float], trials: Trials, colour: str, label: str = "") -> None:
    y, spread = [trial["value"] for trial in trials], [trial["sd"] or 0.0 for trial in trials]
    axes.errorbar(
        x, y, yerr=spread if any(spread) else None, fmt="o", markersize=5, color=colour, ecolor=colour,
        elinewidth=1, alpha=0.85, label=label,
    )  # fmt: skip


def _slice(axes: Axes, parameter: Parameter, trials: Trials, best: int) -> None:
    texts = [trial["params"][parameter.key] for trial in trials]
    if isinstance(parameter, Choice):
        names = _sorted(parameter.texts)
        x: list[float] = [names.index(text) for text in texts]
        labels = [printable(name, SHORT) for name in names]
        axes.set_xticks(range(len(names)), labels, rotation=30 if max(map(len, labels)) * len(labels) > 24 else 0)
        axes.set_xlim(-0.5, len(names) - 0.5)
    else:
        x = [float(text) for text in texts]
        if parameter.log:
            axes.set_xscale("log")
            axes.set_xlim(parameter.low / 1.2, parameter.high * 1.2)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=parameter.whole))
    others = [index for index, trial in enumerate(trials) if trial["number"] != best]
    _points(axes, [x[index] for index in others], [trials[index] for index in others], BLUE)
    chosen = [index for index, trial in enumerate(trials) if trial["number"] == best]
    _points(axes, [x[index] for index in chosen], [trials[index] for index in chosen], VERMILION)


def _typed(text: str) -> float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def _sorted(texts: Sequence[str]) -> list[str]:
    try:
        return sorted(texts, key=float)
    except ValueError:
        return list(texts)


def _logarithmic_if_wide(axes: Axes, values: Sequence[float]) -> None:
    if min(values) > 0 and max(values) / min(values) > 100:
        axes.set_yscale("log")
