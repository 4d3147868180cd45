"""The one visual style of every figure.

Figures are built from matplotlib's objects without pyplot: no global state, no display, safe in threads.
"""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from lit_tricks.files import write_atomically

# Okabe & Ito 2008, "Color universal design": distinguishable under every common colour blindness
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK = "#E69F00", "#56B4E9", "#1a1a1a"
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
INK, SOFT, GRID = "#1a1a1a", "#5c5c5c", "#e3e3e3"
SPLIT_COLOURS = {"train": BLUE, "val": VERMILION, "test": GREEN}
SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}
TITLE_SIZE, LABEL_SIZE, TICK_SIZE = 11, 10, 9
DPI = 150
# of a headline in bold
LETTERS_AN_INCH = 9.5


def new_figure(width: float, height: float) -> Figure:
    """Return an empty white figure of ``width`` by ``height`` inches that keeps its labels inside."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def style_axes(axes: Axes, title: str = "", xlabel: str = "", ylabel: str = "") -> None:
    """Give ``axes`` a left-aligned title, labels, quiet spines and a light horizontal grid."""
    axes.set_title(title, loc="left", fontsize=TITLE_SIZE, color=INK)
    axes.set_xlabel(xlabel, fontsize=LABEL_SIZE, color=INK)
    axes.set_ylabel(ylabel, fontsize=LABEL_SIZE, color=INK)
    axes.tick_params(labelsize=TICK_SIZE, color=SOFT, labelcolor=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(SOFT)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def headline(figure: Figure, text: str) -> None:
    """Put the sentence that says what is seen above the whole figure, in as many lines as its width asks for."""
    width, height = figure.get_size_inches()
    text = "\n".join(fill(line, int(LETTERS_AN_INCH * width)) for line in text.split("\n"))
    title = figure.suptitle(text, x=0.1 / width, ha="left", fontsize=TITLE_SIZE, color=INK, fontweight="bold")
    if not isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        title.set(y=1 - 0.08 / height, va="top")


def printable(text: object, width: int = 40) -> str:
    """Return ``text`` as matplotlib can draw it in at most ``width`` characters.

    Dollar signs stay dollar signs instead of starting a formula, line breaks become spaces, and characters
    the font lacks become a box instead of a warning.
    """
    words = " ".join(str(text).split())
    if len(words) > width:
        words = words[: width - 1].rstrip() + "…"
    known = _characters()
    return "".join(c if ord(c) in known else "□" for c in words).replace("$", r"\$")


def class_labels(class_names: Sequence[str], width: int) -> list[str]:
    """Return ``class_names`` as labels of at most ``width`` characters that stay distinct.

    Names that would be cut to the same beginning get their class number in front.
    """
    labels = [printable(name, width) for name in class_names]
    if len(set(labels)) == len(labels):
        return labels
    return [printable(f"{k}: {name}", width) for k, name in enumerate(class_names)]


@cache
def _characters() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties())).get_charmap())


def save_figure(figure: Figure, path: Path) -> Path:
    """Write ``figure`` as PNG at 150 dpi; ``path`` holds either its old content or all of the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, png(figure))
    return path


def png(figure: Figure) -> bytes:
    """Return ``figure`` as PNG at 150 dpi."""
    # one pass: ``savefig`` draws everything twice, the first time for the layout, which drawing settles by itself
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    buffer = io.BytesIO()
    # nothing is transparent, so three channels are the whole picture
    picture = Image.frombytes("RGB", canvas.get_width_height(), canvas.buffer_rgba(), "raw", "RGBX")
    picture.save(buffer, format="png", dpi=(DPI, DPI))
    # the canvas, and the page on it, is most of the memory that a figure holds
    FigureCanvasBase(figure)
    return buffer.getvalue()
