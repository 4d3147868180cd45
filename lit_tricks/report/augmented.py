"""A picture of what augmentation does to training images."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lit_tricks.report.sheet import Sheet, pictures
from lit_tricks.report.style import INK, SOFT, VERMILION, class_labels, headline, printable

WHOLE = 0.995


def augmentation_grid(
    originals: Any,
    versions: Any,
    labels: Any,
    targets: Any,
    class_names: Sequence[str],
    steps: Sequence[str],
    value_range: tuple[float, float] | None = None,
) -> Figure:
    """Draw originals in the first column and augmented versions of each beside it, mixed classes named with shares.

    Args:
        originals: (N, C, H, W) ``uint8`` or floating point array or CPU tensor.
        versions: (V, N, C, H, W), what became of them.
        labels: (N,) classes of the originals.
        targets: (V, N, K) class shares of the versions, or (V, N) their classes.
        class_names: K names.
        steps: names of what was done.
        value_range: smallest and largest possible pixel; without it the smallest and largest found.
    """
    versions, targets = np.asarray(versions, dtype=np.float32), np.asarray(targets)
    count, columns = len(versions[0]), len(versions) + 1
    names = class_labels(class_names, 14)
    mixed = targets.ndim == 3
    sheet = Sheet(count * columns, columns=columns, width=1.15, lines=2 if mixed else 1)
    rows = np.concatenate([np.asarray(originals, dtype=np.float32)[None], versions]).swapaxes(0, 1)
    sheet.fill(pictures(rows.reshape(-1, *rows.shape[2:]), value_range))
    for row, label in enumerate(np.asarray(labels)):
        sheet.write(row * columns, 0, names[int(label)], 9, INK)
        for version, shares in enumerate(targets[:, row] if mixed else (), start=1):
            for line, text in enumerate(_shares(shares, names)):
                sheet.write(row * columns + version, line, text, 7.5, SOFT if line else VERMILION)
    headline(sheet.figure, printable(f"Training images (left) after {_joined(steps)}", 90))
    return sheet.figure


def _shares(shares: np.ndarray, names: Sequence[str]) -> Iterator[str]:
    """Yield the two largest classes of a mixed image, or the only one."""
    first, second = np.argsort(-shares, kind="stable")[:2]
    if shares[first] >= WHOLE:
        yield names[first]
        return
    rest = 1.0 - shares[first] - shares[second]
    yield f"{names[first]} {shares[first]:.0%}"
    yield f"{names[second]} {shares[second]:.0%}" + (f" + {rest:.0%}" if rest >= 1 - WHOLE else "")


def _joined(steps: Sequence[str]) -> str:
    words = [step.replace("_", " ") for step in steps]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
