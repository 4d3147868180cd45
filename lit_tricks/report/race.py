"""How fast paths over a surface come near its minimum, as curves and sentences."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from lit_tricks.report.style import (
    BLUE,
    LABEL_SIZE,
    TICK_SIZE,
    VERMILION,
    headline,
    new_figure,
    printable,
    style_axes,
)
from lit_tricks.report.surface import Track, by_end, line_styles

# what a logarithmic axis shows of a path that hits the minimum
LOWEST = 1e-12


def ranking(tracks: Sequence[Track], steps: int) -> str:
    """Return which path ended nearest to the minimum, which came second and which last."""
    kept, gone = _kept(tracks), [track.name for track in tracks if track.diverged]
    left = f"; gone for good: {', '.join(map(printable, gone))}" if gone else ""
    if not kept:
        return f"Not one path stayed: all {len(gone)} diverged within {steps} steps"
    first, *others = kept
    if not others:
        return f"After {steps} steps {printable(first.name)} is {first.end:.3f} away from the minimum{left}"
    sentence = f"After {steps} steps {printable(first.name)} is nearest to the minimum ({first.end:.3f} away)"
    sentence += f", then {printable(others[0].name)} ({others[0].end:.3f})"
    if len(others) > 1:
        sentence += f"; furthest is {printable(others[-1].name)} ({others[-1].end:.3f})"
    return sentence + left


def nearest_on_the_way(tracks: Sequence[Track]) -> str:
    """Return which path came nearest to the minimum at any step, and where it ended."""
    track = min(tracks, key=lambda one: one.distances.min())
    step = int(track.distances.argmin())
    sentence = (
        f"Nearest on the way: {printable(track.name)}, {track.distances[step]:.3g} from the minimum at step {step}"
    )
    if step == len(track.distances) - 1:
        return sentence
    return f"{sentence}, {'gone' if track.diverged else f'{track.end:.3g} away'} at the end"


def rate_sentence(tracks: Sequence[Track], steps: int) -> str:
    """Return the learning rate that ended nearest to the minimum, and those that diverged."""
    kept, gone = _kept(tracks), [track.name for track in tracks if track.diverged]
    diverged = f"; {' and '.join(gone)} diverge{'s' if len(gone) == 1 else ''}" if gone else ""
    if not kept:
        return f"Every one of {len(gone)} rates diverged within {steps} steps"
    return f"Best of {len(tracks)} after {steps} steps: {kept[0].name}, {kept[0].end:.3f} away{diverged}"


def progress(tracks: Sequence[Track]) -> Figure:
    """Draw height and distance from the minimum against the steps, both logarithmic."""
    figure = new_figure(11.5, 4.6)
    left, right = figure.subplots(1, 2)
    shown = by_end(tracks)
    for axes, title, curves in (
        (left, "Height of the surface (logarithmic)", [track.values for track in shown]),
        (right, "Distance from the minimum (logarithmic)", [track.distances for track in shown]),
    ):
        style_axes(axes, title, "step")
        for (colour, dashes), track, curve in zip(line_styles(len(shown)), shown, curves, strict=True):
            drawn = np.maximum(curve, LOWEST)
            axes.semilogy(drawn, color=colour, linestyle=dashes, linewidth=1.6, label=printable(track.name))
        # a path that leaves must not take the picture with it
        highest = max(curve[0] if track.diverged else curve.max() for track, curve in zip(shown, curves, strict=True))
        axes.set_ylim(top=3 * highest)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    handles, labels = right.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=TICK_SIZE, handlelength=3.2)
    headline(figure, nearest_on_the_way(tracks))
    return figure


def end_by_rate(rates: Sequence[float], tracks: Sequence[Track], sentence: str) -> Figure:
    """Draw the distance from the minimum at the end against the learning rate; rates that diverged are crossed."""
    figure = new_figure(7.0, 4.2)
    axes = figure.subplots()
    style_axes(axes, "", "learning rate", "distance from the minimum at the end")
    pairs = sorted(zip(rates, tracks, strict=True), key=lambda pair: pair[0])
    kept = [(rate, track.end) for rate, track in pairs if not track.diverged]
    axes.plot([rate for rate, _ in kept], [end for _, end in kept], color=BLUE, marker="o", markersize=5)
    top = max((end for _, end in kept), default=1.0)
    gone = [rate for rate, track in pairs if track.diverged]
    if gone:
        axes.plot(gone, [top] * len(gone), color=VERMILION, marker="X", markersize=9, linestyle="", label="diverged")
        axes.legend(frameon=False, fontsize=LABEL_SIZE)
    axes.set_ylim(0, 1.08 * top)
    headline(figure, sentence)
    return figure


def _kept(tracks: Sequence[Track]) -> list[Track]:
    return [track for track in by_end(tracks) if not track.diverged]
