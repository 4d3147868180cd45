"""The decision regions of many runs side by side."""

import math
from collections.abc import Mapping

from matplotlib.figure import Figure

from lit_tricks.report.regions import Regions
from lit_tricks.report.style import LABEL_SIZE, TICK_SIZE, headline, new_figure, printable, style_axes

MOST_PANELS = 24


def joint_regions(regions: Mapping[str, Regions]) -> Figure:
    """Draw the regions by label, at most 24, on common axes; each panel says what share of its points is right."""
    shown = dict(list(regions.items())[:MOST_PANELS])
    columns = _columns(len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = new_figure(3.3 * columns + 0.4, 2.9 * rows + 1.1)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes in grid.ravel()[len(shown) :]:
        axes.set_axis_off()
    first = next(iter(shown.values()))
    across, down = (printable(name) for name in first.axis_names)
    for axes, (label, each) in zip(grid.ravel(), shown.items(), strict=False):
        spec = axes.get_subplotspec()
        style_axes(axes, "", across if spec.is_last_row() else "", down if spec.is_first_col() else "")
        axes.set_title(f"{printable(label, 44)}\n{each.accuracy:.2%} right", loc="left", fontsize=LABEL_SIZE)
        each.draw(axes)
    # the panel with mistakes has their sign in its legend
    handles = max((axes.get_legend_handles_labels() for axes in grid.ravel()), key=lambda pair: len(pair[0]))
    figure.legend(*handles, loc="outside lower center", ncols=len(handles[0]), frameon=False, fontsize=TICK_SIZE)
    headline(figure, _sentence(shown, first.split, len(regions)))
    return figure


def _columns(panels: int) -> int:
    return panels if panels < 4 else min((4, 3, 5), key=lambda columns: -panels % columns)


def _sentence(shown: Mapping[str, Regions], split: str, total: int) -> str:
    best, worst = (pick(shown, key=lambda label: shown[label].accuracy) for pick in (max, min))
    some = "" if len(shown) == total else f"; the first {len(shown)} of {total} are drawn"
    if shown[best].accuracy == shown[worst].accuracy:
        return f"{shown[best].accuracy:.2%} of the {split} points are right everywhere{some}"
    return (
        f"Most {split} points are right with {printable(best)}, {shown[best].accuracy:.2%}, fewest with "
        f"{printable(worst)}, {shown[worst].accuracy:.2%}{some}"
    )
