"""A sheet of small pictures with lines of text below each.

All pictures share one pair of axes: a hundred axes would take seconds to lay out.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import PolyCollection

from lit_tricks.report.style import DPI, GRID, new_figure

LINE_INCHES = 0.155
GAP_INCHES = 0.1
MARGIN_INCHES = 0.1


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
        self._across = across = max(self._columns * width, 7.5)
        self._down = down = max(rows * self._height, 0.1)
        margin, title = MARGIN_INCHES, 0.45
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

    def fill(self, images: Iterable[np.ndarray]) -> None:
        """Put pictures, (H, W) grey or (H, W, 3) colour in [0, 1], into the cells, in order."""
        # one image of all of them, in the dots of the file: a hundred images take ten times as long to draw
        dots = np.full((round(self._down * DPI), round(self._across * DPI), 3), 255, dtype=np.uint8)
        frames = []
        for place, pixels in enumerate(images):
            x, y = self._corner(place)
            height, width = np.array(pixels.shape[:2]) * self._picture / max(pixels.shape[:2])
            left, top = x + (self._picture - width) / 2, y + (self._picture - height) / 2
            right, bottom = left + width, top + height
            cell = dots[round(top * DPI) : round(bottom * DPI), round(left * DPI) : round(right * DPI)]
            cell[:] = _enlarged(pixels, cell.shape[0], cell.shape[1])
            frames.append([(left, top), (right, top), (right, bottom), (left, bottom)])
        self._axes.add_artist(_Dots(dots, MARGIN_INCHES))
        self._axes.add_collection(
            PolyCollection(frames, facecolors="none", edgecolors=GRID, linewidths=0.8), autolim=False
        )

    def write(self, place: int, line: int, text: str, size: float, colour: str) -> None:
        """Put ``text`` on line ``line`` below the picture of cell ``place``."""
        x, y = self._corner(place)
        baseline = y + self._picture + (line + 0.85) * LINE_INCHES
        self._axes.text(x + self._picture / 2, baseline, text, ha="center", va="baseline", fontsize=size, color=colour)

    def _corner(self, place: int) -> tuple[float, float]:
        row, column = divmod(place, self._columns)
        return column * self._width, row * self._height


class _Dots(Artist):
    """A picture (H, W, 3) ``uint8`` whose pixels are dots of the file, ``inches`` from its left and lower edge.

    matplotlib's own images resample a picture even where it is drawn dot by dot, for longer than all else takes.
    """

    def __init__(self, pixels: np.ndarray, inches: float) -> None:
        super().__init__()
        self.pixels = pixels
        self._corner = round(inches * DPI)

    def draw(self, renderer: RendererBase) -> None:
        """Copy the picture to the page."""
        rows = np.full((*self.pixels.shape[:2], 4), 255, dtype=np.uint8)
        # the renderer counts rows from below
        rows[..., :3] = self.pixels[::-1]
        context = renderer.new_gc()
        renderer.draw_image(context, self._corner, self._corner, rows)
        context.restore()
        self.stale = False


def _enlarged(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return a picture as ``uint8`` (height, width, 3), each dot the colour of the nearest pixel."""
    rows = (2 * np.arange(height) + 1) * pixels.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * pixels.shape[1] // (2 * width)
    shades = np.rint(pixels * 255).astype(np.uint8).reshape(*pixels.shape[:2], -1)
    return np.broadcast_to(shades, (*pixels.shape[:2], 3))[rows][:, columns]


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
