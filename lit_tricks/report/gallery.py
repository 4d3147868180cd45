"""Pictures of pictures: the wrongly recognised ones, and the first training batch."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lit_tricks.report.mistakes import Mistake, MistakeCount, mistakes_sentence
from lit_tricks.report.sheet import Sheet, pictures
from lit_tricks.report.style import INK, SOFT, VERMILION, class_labels, headline

SHORT = 3
MOST_MISTAKES = 100
MOST_OF_A_BATCH = 64


def misclassified_gallery(
    images: Any,
    records: Sequence[Mistake],
    class_names: Sequence[str],
    value_range: tuple[float, float] | None = None,
    count: MistakeCount | None = None,
    by_position: bool = False,
) -> Figure:
    """Draw up to 100 wrongly recognised images: true → predicted, position, chances of first and second choice.

    Args:
        images: (M, C, H, W) ``uint8`` or floating point array or CPU tensor, in the order of ``records``.
        records: as ``rank_mistakes`` returns them.
        class_names: K names.
        value_range: smallest and largest possible pixel; without it the smallest and largest found.
        count: of all mistakes in the split, if ``records`` are only some.
        by_position: whether ``records`` come in the split's order.
    """
    shown = list(records)[:MOST_MISTAKES]
    labels = class_labels(class_names, 12)
    short = max(map(len, labels)) <= SHORT
    sheet = Sheet(len(shown), columns=10, width=0.98 if short else 1.17, lines=3 if short else 4)
    sheet.fill(islice(pictures(images, value_range), len(shown)))
    for place, record in enumerate(shown):
        for line, (text, size, colour) in enumerate(_lines(record, labels, short)):
            sheet.write(place, line, text, size, colour)
    headline(sheet.figure, mistakes_sentence(shown, count or MistakeCount.of(records), "images", by_position))
    return sheet.figure


def _lines(record: Mistake, labels: Sequence[str], short: bool) -> list[tuple[str, float, str]]:
    truth, first, second = labels[record.true], labels[record.predicted], labels[record.second]
    chance, second_chance = (
        "" if each is None else f" {each:.0%}" for each in (record.probability, record.second_probability)
    )
    if short:
        choices = f"{first}:{chance}, {second}:{second_chance}" if chance else f"2nd {second}"
        return [
            (f"{truth} → {first}", 10, VERMILION),
            (choices, 7, INK),
            (f"#{record.index}", 7, SOFT),
        ]
    return [
        (truth, 7.5, INK),
        (f"→ {first}{chance}", 7.5, VERMILION),
        (f"2nd {second}{second_chance}", 7, INK),
        (f"#{record.index}", 7, SOFT),
    ]


def batch_grid(
    images: Any,
    labels: Any,
    class_names: Sequence[str],
    value_range: tuple[float, float] | None = None,
    title: str = "The first training batch, as the network received it",
) -> Figure:
    """Draw up to 64 images of a batch with their class.

    Args:
        images: (B, C, H, W) ``uint8`` or floating point array or CPU tensor.
        labels: (B,) class indices.
        class_names: K names.
        value_range: smallest and largest possible pixel; without it the smallest and largest found.
        title: what is seen.
    """
    known = class_labels(class_names, 14)
    names = [known[int(label)] for label in np.asarray(labels)[:MOST_OF_A_BATCH]]
    sheet = Sheet(len(names), columns=8, width=1.15, lines=1)
    sheet.fill(islice(pictures(images, value_range), len(names)))
    for place, name in enumerate(names):
        sheet.write(place, 0, name, 9, INK)
    headline(sheet.figure, title)
    return sheet.figure
