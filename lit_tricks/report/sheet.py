"""A sheet of small pictures with lines of text below each.

All pictures share one pair of axes: a hundred axes would take seconds to lay out.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.patches import Rectangle

from lit_tricks.report.style import GRID, new_figure

LINE_INCHES = 0.155
GAP_INCHES = 0.1


class Sheet:
    """A grid of ``count`` cells, each a picture above ``lines`` lines of text.

    Args:
        count: cells; none at all leaves an empty figure.
        columns: cells in a full row; fewer when ``count`` is smaller.
        width: inches of one cell.
        lines: lines of text below a picture.
    """

    def __init__(self, count: int, columns: int, width: float, lines: int) -> None:
        self._columns = max(min(columns, count), 1)
        rows = max(-(-count // self._columns), 1) if count else 0
        self._width, self._picture = width, width - GAP_INCHES
        self._height = self._picture + lines * LINE_INCHES + GAP_INCHES
        across = max(self._columns * width, 7.5)
        down = max(rows * self._height, 0.1)
        margin, title = 0.1, 0.45
        width_in_all, height_in_all = across + 2 * margin, down + title + margin
        self.figure = new_figure(width_in_all, height_in_all)
        # placed by hand: laying out hundreds of texts twice would double the time
        self.figure.set_layout_engine("none")
        self._axes = self.figure.add_axes(
            (margin / width_in_all, margin / height_in_all, across / width_in_all, down / height_in_all)
        )
        self._axes.set_axis_off()
        # one unit of the axes is one inch of paper; fixed limits keep a picture from moving them
        self._axes.set(xlim=(0, across), ylim=(down, 0), autoscale_on=False)

    def draw(self, place: int, pixels: np.ndarray) -> None:
        """Put a picture, (H, W) grey or (H, W, 3) colour in [0, 1], into cell ``place``."""
        x, y = self._corner(place)
        height, width = pixels.shape[:2]
        scale = self._picture / max(height, width)
        left, top = x + (self._picture - width * scale) / 2, y + (self._picture - height * scale) / 2
        extent = (left, left + width * scale, top + height * scale, top)
        self._axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="nearest", aspect="auto")
        frame = Rectangle((left, top), width * scale, height * scale, fill=False, edgecolor=GRID, linewidth=0.8)
        self._axes.add_patch(frame)

    def write(self, place: int, line: int, text: str, size: float, colour: str) -> None:
        """Put ``text`` on line ``line`` below the picture of cell ``place``."""
        x, y = self._corner(place)
        baseline = y + self._picture + (line + 0.85) * LINE_INCHES
        self._axes.text(x + self._picture / 2, baseline, text, ha="center", va="baseline", fontsize=size, color=colour)

    def _corner(self, place: int) -> tuple[float, float]:
        row, column = divmod(place, self._columns)
        return column * self._width, row * self._height


def pictures(images: Any, value_range: tuple[float, float] | None) -> Iterator[np.ndarray]:
    """Yield images (N, C, H, W) as (H, W) grey or, with three channels, (H, W, 3) colour, scaled to [0, 1].

    Other numbers of channels are averaged. Values beyond ``value_range``, as augmentation makes them, are
    clipped; without a range it runs from the smallest to the largest finite value of all images.
    """
    array = np.asarray(images, dtype=np.float32)
    if value_range is None:
        finite = array[np.isfinite(array)]
        value_range = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    low, high = value_range
    scaled = np.clip(np.nan_to_num((array - low) / max(high - low, 1e-12)), 0, 1)
    for image in scaled:
        yield image.transpose(1, 2, 0) if len(image) == 3 else image.mean(axis=0)
