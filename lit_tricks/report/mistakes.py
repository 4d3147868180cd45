"""The wrongly recognised examples, worst first or in their order."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from lit_tricks.report.style import INK, SOFT, class_labels, headline, new_figure


@dataclass(frozen=True)
class Mistake:
    """One wrongly recognised example.

    Attributes:
        index: its position in the split.
        true: index of its class; ``predicted`` and ``second`` are the first and second choice.
        probability: of the first choice, ``second_probability`` of the second; None for a classifier that gives
            scores, which only rank.
        loss: of this example, None for such a classifier.
    """

    index: int
    true: int
    predicted: int
    probability: float | None
    second: int
    second_probability: float | None
    loss: float | None


@dataclass(frozen=True)
class MistakeCount:
    """What all wrongly recognised examples of a split amount to.

    Attributes:
        total: how many there are.
        second_right: in how many of them the second choice is right.
    """

    total: int
    second_right: int

    @classmethod
    def of(cls, records: Sequence[Mistake]) -> "MistakeCount":
        """Count ``records``, all those of a split."""
        return cls(len(records), sum(record.second == record.true for record in records))


def rank_mistakes(
    probabilities: np.ndarray,
    targets: np.ndarray,
    losses: np.ndarray | None = None,
    limit: int | None = 100,
    probabilistic: bool = True,
    predicted: np.ndarray | None = None,
) -> list[Mistake]:
    """Return at most ``limit`` wrongly recognised examples, the largest loss first, ties by position.

    Args:
        probabilities: (N, K) with K ≥ 2, rows need not sum to one. The first choice is the first of equals.
            When they are scores in [0, 1] instead, not ``probabilistic``, the true class's lowest come first.
        targets: (N,) class indices.
        losses: (N,); without them −log of the true class's probability.
        limit: how many to return, None for all.
        probabilistic: whether the numbers may be told as probabilities and losses.
        predicted: (N,) the first choices, where they are not the most probable classes.
    """
    chances, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(targets)
    order = np.argsort(-chances, axis=1, kind="stable")
    if predicted is not None:
        rest = order[order != predicted[:, None]].reshape(len(order), -1)
        order = np.concatenate([predicted[:, None], rest], axis=1)
    if losses is None:
        losses = -np.log(np.clip(chances[np.arange(len(truth)), truth], 1e-12, None))
    weights = np.nan_to_num(np.asarray(losses, dtype=np.float64), nan=np.inf, posinf=np.inf)
    wrong = np.flatnonzero(order[:, 0] != truth)
    worst = wrong[np.argsort(-weights[wrong], kind="stable")][:limit]
    return [
        Mistake(
            index=int(row),
            true=int(truth[row]),
            predicted=int(order[row, 0]),
            probability=float(chances[row, order[row, 0]]) if probabilistic else None,
            second=int(order[row, 1]),
            second_probability=float(chances[row, order[row, 1]]) if probabilistic else None,
            loss=float(weights[row]) if probabilistic else None,
        )
        for row in worst
    ]


def mistakes_csv(records: Sequence[Mistake], class_names: Sequence[str]) -> str:
    """Return the mistakes as CSV: position, true class, both choices with their probabilities, loss."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["example", "true", "predicted", "probability", "second", "second_probability", "loss"])
    for each in records:
        true, first, second = (class_names[label] for label in (each.true, each.predicted, each.second))
        writer.writerow([each.index, true, first, each.probability, second, each.second_probability, each.loss])
    return buffer.getvalue()


def mistakes_sentence(records: Sequence[Mistake], count: MistakeCount, noun: str, by_position: bool = False) -> str:
    """Say how many mistakes are shown, in what order, and in how many of all the second choice is right."""
    if not records:
        return "No example was recognised wrongly"
    of = "" if count.total <= len(records) else f" of {count.total:,}"
    worst = "largest loss first" if records[0].loss is not None else "the true class's lowest scores first"
    return (
        f"{len(records)}{of} wrongly recognised {noun}, {'in their order' if by_position else worst}\n"
        f"the second choice is right in {count.second_right:,} of {'all ' if of else ''}{count.total:,}"
    )


def misclassified_table(
    records: Sequence[Mistake],
    class_names: Sequence[str],
    count: MistakeCount | None = None,
    by_position: bool = False,
    rows: int = 25,
) -> Figure:
    """Draw the first of the mistakes as a table, for examples that are no pictures.

    Args:
        records: as ``rank_mistakes`` returns them.
        class_names: K names.
        count: of all mistakes in the split, if ``records`` are only some.
        by_position: whether ``records`` come in the split's order.
        rows: how many to draw.
    """
    shown, labels = list(records)[:rows], class_labels(class_names, 20)
    figure = new_figure(8.6, 1.2 + 0.27 * max(len(shown), 1))
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(shown) + 0.4, -0.6)
    columns = (0.07, 0.10, 0.34, 0.65, 0.68, 0.92, 1.0)
    sides = ("right", "left", "left", "right", "left", "right", "right")
    titles = ("example", "true", "predicted", "probability", "second choice", "probability", "loss")
    for x, side, title in zip(columns, sides, titles, strict=True):
        axes.text(x, 0, title, ha=side, va="center", fontsize=9, color=SOFT)
    axes.plot([0, 1], [0.5, 0.5], color=SOFT, linewidth=0.8)
    for line, record in enumerate(shown, start=1):
        cells = (
            f"#{record.index}",
            labels[record.true],
            labels[record.predicted],
            _told(record.probability, ".1%"),
            labels[record.second],
            _told(record.second_probability, ".1%"),
            _told(record.loss, ".2f"),
        )
        for x, side, cell in zip(columns, sides, cells, strict=True):
            axes.text(x, line, cell, ha=side, va="center", fontsize=9, color=INK)
    for text in axes.texts:
        text.set_in_layout(False)
    headline(figure, mistakes_sentence(shown, count or MistakeCount.of(records), "examples", by_position))
    return figure


def _told(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
