"""Pictures of a run over its epochs."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from lit_tricks.report.run_files import Rows
from lit_tricks.report.style import (
    BLUE,
    INK,
    SOFT,
    SPLIT_COLOURS,
    SPLIT_NAMES,
    TICK_SIZE,
    TITLE_SIZE,
    headline,
    new_figure,
    style_axes,
)

# a linear axis over two decades leaves the end of a curve unreadable
LOG_FROM = 100


def learning_curves(rows: Rows, best_epoch: int | None = None) -> Figure:
    """Draw loss and accuracy of training and validation over the epochs, with the best epoch marked.

    Under augmentation the training curve is that of changed examples; the one of a sample as it is is drawn as well.

    Args:
        rows: as ``metrics.csv`` holds them; ``epoch`` counts from 0 and is drawn counting from 1, so the
            axis says how many epochs the network had been trained. Values may be None or NaN.
        best_epoch: the row to mark, counted from 0; without it the lowest validation loss, or without
            validation the lowest training loss.
    """
    figure = new_figure(9.5, 3.9)
    left, right = figure.subplots(1, 2)
    best = _best(rows) if best_epoch is None else best_epoch
    clean = bool(_points(rows, "train_clean/loss"))
    splits = ("train", "train_clean", "val") if clean else ("train", "val")
    for axes, name, word in ((left, "loss", "Loss"), (right, "acc", "Accuracy")):
        style_axes(axes, word, "epochs trained")
        drawn = [_line(axes, rows, split, name, dashed=clean and split == "train") for split in splits]
        _finish(axes, any(drawn), len(rows), best)
    if any(axes.get_legend_handles_labels()[0] for axes in (left, right)):
        source = left if left.get_legend_handles_labels()[0] else right
        figure.legend(
            *source.get_legend_handles_labels(),
            loc="outside upper right",
            ncols=2 if clean else 3,
            frameon=False,
            fontsize=TICK_SIZE,
        )
    low, high = left.get_ylim()
    values = [v for split in splits for _, v in _points(rows, f"{split}/loss")]
    if values and min(values) > 0 and max(values) / min(values) > LOG_FROM:
        _logarithmic(left)
        left.set_title("Loss (logarithmic)", loc="left", fontsize=TITLE_SIZE, color=INK)
    elif low < 0 <= min(values, default=0):
        left.set_ylim(0, high)
    headline(figure, _sentence(rows, best))
    return figure


def learning_rate_curve(rows: Rows) -> Figure:
    """Draw the learning rate at the end of every epoch, from the ``lr`` column of ``metrics.csv``."""
    figure = new_figure(6.4, 3.4)
    axes = figure.subplots()
    style_axes(axes, "", "epochs trained", "learning rate")
    points = _points(rows, "lr")
    axes.plot(*_columns(points), color=BLUE, marker="o" if len(points) < 30 else "", markersize=3.5)
    _finish(axes, bool(points), len(rows), None)
    rates = [rate for _, rate in points]
    if rates and min(rates) > 0 and max(rates) / min(rates) > LOG_FROM:
        _logarithmic(axes)
    elif rates and max(rates) > 0:
        axes.set_ylim(0, max(rates) * 1.1)
    if not rates:
        title = "No learning rate was logged"
    elif min(rates) == max(rates):
        title = f"The learning rate stayed at {rates[0]:.3g}"
    else:
        title = f"The learning rate went from {rates[0]:.3g} to {rates[-1]:.3g}"
    headline(figure, title)
    return figure


def _points(rows: Rows, column: str) -> list[tuple[int, float]]:
    """Return (epochs trained, value) of every finite value."""
    found = []
    for position, row in enumerate(rows):
        value, epoch = row.get(column), row.get("epoch")
        if value is not None and math.isfinite(value):
            found.append((int(position if epoch is None else epoch) + 1, value))
    return found


def _columns(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _line(axes: Axes, rows: Rows, split: str, name: str, dashed: bool = False) -> bool:
    points = _points(rows, f"{split}/{name}")
    if points:
        axes.plot(
            *_columns(points),
            color=SPLIT_COLOURS[split.removesuffix("_clean")],
            linestyle=(0, (2, 1.5)) if dashed else "-",
            marker="o" if len(points) < 30 and not dashed else "",
            markersize=3.5,
            label=f"{SPLIT_NAMES[split.removesuffix('_clean')]}{', augmented' if dashed else ''}",
        )
    return bool(points)


def _finish(axes: Axes, drawn: bool, epochs: int, best: int | None) -> None:
    if not drawn:
        axes.text(0.5, 0.5, "no finite values", transform=axes.transAxes, ha="center", va="center", color=SOFT)
        axes.set_xticks([])
        axes.set_yticks([])
        return
    if best is not None:
        axes.axvline(best + 1, color=SOFT, linewidth=1, linestyle=(0, (4, 3)), zorder=1, label="best epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    if epochs == 1:
        axes.set_xlim(0.5, 1.5)


def _logarithmic(axes: Axes) -> None:
    axes.set_yscale("log")
    decades = math.log10(axes.get_ylim()[1] / axes.get_ylim()[0])
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if decades > 3 else (1.0, 2.0, 5.0), numticks=8))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _best(rows: Rows) -> int | None:
    for column in ("val/loss", "train/loss"):
        points = _points(rows, column)
        if points:
            return min(points, key=lambda point: point[1])[0] - 1
    return None


def _sentence(rows: Rows, best: int | None) -> str:
    broken = _first_not_finite(rows)
    if best is None:
        return "No loss was logged" if broken is None else f"The loss is not finite from epoch {broken + 1} on"
    sentence = f"Best at epoch {best + 1}"
    for split in ("val", "train"):
        loss = dict(_points(rows, f"{split}/loss")).get(best + 1)
        if loss is not None:
            accuracy = dict(_points(rows, f"{split}/acc")).get(best + 1)
            sentence += f": {SPLIT_NAMES[split]} loss {loss:.3g}" + (
                "" if accuracy is None else f", acc. {accuracy:.1%}"
            )
            break
    return sentence if broken is None else f"{sentence}; not finite from epoch {broken + 1}"


def _first_not_finite(rows: Rows) -> int | None:
    for position, row in enumerate(rows):
        for column in ("train/loss", "val/loss"):
            value = row.get(column)
            if value is not None and not math.isfinite(value):
                return int(row.get("epoch") or position)
    return None
