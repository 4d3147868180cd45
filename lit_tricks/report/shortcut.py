"""The picture of a region that decides what a network answers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lit_tricks.report.sheet import pictures
from lit_tricks.report.style import INK, SOFT, SPLIT_COLOURS, SPLIT_NAMES, VERMILION, headline, new_figure, style_axes

EXAMPLES = 4


def shortcut_map(
    facts: Mapping[str, Any],
    followed: np.ndarray,
    accuracies: Mapping[str, float],
    images: Any,
    value_range: tuple[float, float] | None = None,
) -> Figure:
    """Draw accuracies with and without the region, the map that found it, and images with the region framed.

    Args:
        facts: an ``Intervention``'s.
        followed: (H, W) share of answers that followed the windows over a pixel.
        accuracies: split → accuracy in [0, 1].
        images: (N, C, H, W) array or CPU tensor of validation images; the first four are shown.
        value_range: smallest and largest possible pixel; without it the smallest and largest found.
    """
    figure = new_figure(10.5, 3.9)
    bars, chart, *corners = figure.subplot_mosaic(
        [["bars", "map", "0", "1"], ["bars", "map", "2", "3"]], width_ratios=[3.2, 3.6, 1.6, 1.6]
    ).values()
    _bars(bars, {SPLIT_NAMES[split]: (value, SPLIT_COLOURS[split]) for split, value in accuracies.items()}, facts)
    image = chart.imshow(followed, cmap="Blues", vmin=0, vmax=1)
    chart.set_title("answers that follow a pasted window", loc="left", fontsize=10, color=INK)
    bar = figure.colorbar(image, ax=chart, shrink=0.75)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    bar.outline.set_visible(False)
    shown = pictures(np.asarray(images[:EXAMPLES], dtype=np.float32), value_range)
    for axes, picture in zip(corners, shown, strict=False):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
    for axes in (chart, *corners):
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color(SOFT)
        top, left, height, width = facts["region"]
        frame = Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor=VERMILION, linewidth=1.6)
        axes.add_patch(frame)
    found = "decides" if facts["found"] else "decides for some images"
    headline(
        figure,
        f"The framed {facts['share_of_image']:.0%} of the image {found}: pasted from another image it takes "
        f"{facts['followed']:.0%} of the answers along (95% interval {facts['followed_low']:.0%} to "
        f"{facts['followed_high']:.0%}), a window elsewhere at most {facts['elsewhere']:.0%}",
    )
    return figure


def _bars(axes: Axes, accuracies: Mapping[str, tuple[float, str]], facts: Mapping[str, Any]) -> None:
    rows = {**accuracies, "validation,\nregion removed": (facts["acc_removed"], SOFT)}
    style_axes(axes, ylabel="accuracy")
    values, colours = zip(*rows.values(), strict=True)
    axes.bar(list(rows), values, color=colours, width=0.65)
    for place, value in enumerate(values):
        axes.text(place, value + 0.01, f"{value:.1%}", ha="center", va="bottom", fontsize=9, color=INK)
    axes.set(ylim=(0, 1.08))
    axes.tick_params(axis="x", labelsize=8, rotation=20)
