"""``comparison.html``: many runs on one page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from lit_tricks.report.answer import HEAD, choice, notes, rows, sentence
from lit_tricks.report.changed_answers import changed_answers, changed_galleries, changed_rows
from lit_tricks.report.comparing import Comparison, Group
from lit_tricks.report.forest import forest_plot
from lit_tricks.report.joint_confusion import joint_confusion
from lit_tricks.report.joint_curves import joint_curves
from lit_tricks.report.page import figure, folded, page, paragraph, preformatted, section, table
from lit_tricks.report.runs import INCIDENTAL, Run, differing
from lit_tricks.report.sortable import scripts, sortable_table, style
from lit_tricks.report.style import png
from lit_tricks.report.summary import METRICS, SPLITS, command
from lit_tricks.report.sweep_axes import parallel_coordinates, slices, swept_settings

# of the runs' table, as far as runs have them
SHOWN_METRICS = ("test/acc", "test/balanced_acc", "test/f1_macro", "test/auroc", "test/loss", "val/acc", "val/loss")
# beyond these a picture shows the baseline and those with the best figures
MOST_CURVES = 8
# more keys than a table has room for say that two configurations have little in common
MOST_KEYS = 40
NO_COMPARISON = "No run can be compared"


def comparison_page(
    comparisons: Sequence[Comparison], runs: Sequence[Run], pictures: Mapping[str, bytes] | None = None
) -> str:
    """Return the page: the answer, its table and pictures, every run and how to repeat it.

    Args:
        comparisons: as ``compare_runs`` returns them; without any the page lists the runs with their reasons.
        runs: all of them.
        pictures: further PNG pictures by name.
    """
    answers = [sentence(each) for each in comparisons] or [NO_COMPARISON]
    body = [f"<h1>{escape(_named(comparisons, 0) + answers[0])}</h1>"]
    body += [f"<h1>{escape(_named(comparisons, place) + answers[place])}</h1>" for place in range(1, len(answers))]
    body += _state(comparisons, runs)
    for place, comparison in enumerate(comparisons):
        body += _blocks(comparison, _named(comparisons, place), f"groups-{place}")
    if pictures:
        body.append(section("Further pictures", *(figure(name, content) for name, content in pictures.items())))
    tested = all(comparison.metric.startswith("test/") for comparison in comparisons)
    body.append(section("Runs", sortable_table(*_run_table(runs, tested), name="runs", conditions=True)))
    body.append(section("Repeat a run", *_commands(runs)))
    return page(answers[0], body, scripts(), style())


def shown_groups(comparison: Comparison, most: int = MOST_CURVES) -> dict[str, Sequence[Run]]:
    """Return label → runs of the baseline and the groups with the best figures, at most ``most``, in their order."""
    sign = -1 if comparison.lower_is_better else 1
    best = sorted(comparison.others, key=lambda group: -sign * group.mean)[: most - 1]
    kept = [comparison.baseline, *(group for group in comparison.others if group in best)]
    return {group.label: group.runs for group in kept}


def _named(comparisons: Sequence[Comparison], place: int) -> str:
    return f"{comparisons[place].data}: " if len(comparisons) > 1 else ""


def _state(comparisons: Sequence[Comparison], runs: Sequence[Run]) -> Iterator[str]:
    counts: dict[str, int] = {}
    for run in runs:
        counts[run.status] = counts.get(run.status, 0) + 1
    groups = sum(len(comparison.groups) for comparison in comparisons)
    said = [f"{count} {status}" for status, count in counts.items()]
    yield paragraph(" · ".join([f"{len(runs)} runs", *said, f"{groups} groups"]), "soft")
    if len(comparisons) > 1:
        names = ", ".join(comparison.data for comparison in comparisons)
        yield paragraph(f"The runs have different test sets and are compared apart: {names}.", "warn")
    for comparison in comparisons:
        yield from (paragraph(f"Warning: {warning}.", "warn") for warning in comparison.warnings)


def _blocks(comparison: Comparison, prefix: str, name: str) -> Iterator[str]:
    said = [paragraph(text, "soft") for text in (*notes(comparison), choice(comparison)) if text]
    yield section(f"{prefix}Groups", sortable_table(HEAD, rows(comparison), name=name), *said)
    if comparison.left_out:
        left_out = [[run.path.name, run.label, reason] for run, reason in comparison.left_out]
        yield section(f"{prefix}Not counted", table(["run", "group", "reason"], left_out))
    forest = forest_plot(comparison)
    if forest is not None:
        yield section(f"{prefix}Differences", figure("paired differences", png(forest)))
    yield from _sweep(comparison, prefix)
    shown = shown_groups(comparison)
    fewer = "" if len(shown) == len(comparison.groups) else f"{len(shown)} of {len(comparison.groups)} groups"
    if any(run.rows for members in shown.values() for run in members):
        yield section(f"{prefix}Curves", figure(fewer or "mean and range over seeds", png(joint_curves(shown))))
    confusion = joint_confusion(shown)
    if confusion is not None:
        yield section(f"{prefix}Confusion matrices", figure("share of each true class", png(confusion)))
    yield from _changes(comparison, prefix)
    yield from _configurations(comparison.groups, prefix)


def _sweep(comparison: Comparison, prefix: str) -> Iterator[str]:
    keys, settings = swept_settings(comparison)
    drawn = []
    if len(keys) > 1:
        drawn.append(figure("parallel coordinates", png(parallel_coordinates(comparison, keys, settings))))
    if keys:
        drawn.append(figure("slices", png(slices(comparison, keys, settings))))
        yield section(f"{prefix}What the knobs do", *drawn)


def _changes(comparison: Comparison, prefix: str) -> Iterator[str]:
    parts: list[str] = []
    for changed in changed_answers(comparison):
        parts.append(paragraph(changed.sentence()))
        galleries = [
            figure(f"{changed.label}, seed {changed.pair[0].seed}", png(f)) for f in changed_galleries(changed)
        ]
        if galleries:
            parts.append(f'<div class="beside">{"".join(galleries)}</div>')
        elif listed := changed_rows(changed):
            head = ["example", "", "true class", comparison.baseline.label, changed.label]
            parts.append(folded("examples", table(head, listed)))
    if parts:
        yield section(f"{prefix}What one mends and the other breaks", *parts)


def _configurations(groups: Sequence[Group], prefix: str) -> Iterator[str]:
    found = differing([group.runs[0].config for group in groups])
    keys = {key: values for key, values in found.items() if key not in INCIDENTAL}
    if len(groups) < 2:
        return
    if not keys:
        yield section(f"{prefix}Configuration differences", paragraph("The groups' configurations are the same."))
        return
    shown = dict(list(keys.items())[:MOST_KEYS])
    parts = [table(["group", *shown], [[g.label, *v] for g, *v in zip(groups, *shown.values(), strict=True)])]
    if len(shown) < len(keys):
        parts.append(paragraph(f"{len(shown)} of {len(keys)} keys that differ.", "soft"))
    yield section(f"{prefix}Configuration differences", *parts)


def _run_table(runs: Sequence[Run], tested: bool) -> tuple[list[str], list[list[Any]]]:
    """Return head and rows; test metrics only where they are what is compared, so that nobody chooses by them."""
    known = {name for run in runs for name in run.metrics}
    metrics = [name for name in SHOWN_METRICS if name in known and (tested or not name.startswith("test/"))]
    head = ["run", "group", "seed", "status", *(_words(name) for name in metrics), "epochs", "seconds"]
    table = []
    for run in runs:
        seconds = run.results.get("seconds")
        fit = seconds.get("fit") if isinstance(seconds, dict) else None
        cells: list[Any] = [run.path.name, run.label, (str(run.seed), run.seed), run.state]
        cells += [_number(run.metrics.get(name), "{:.4f}") for name in metrics]
        table.append([*cells, _number(run.results.get("epochs"), "{:,}"), _number(fit, "{:.1f}")])
    if any(not run.completed for run in runs):
        head[3] = "status and reason"
    return head, table


def _words(metric: str) -> str:
    split, _, name = metric.partition("/")
    return f"{SPLITS.get(split, split)} {METRICS.get(name, name)}"


def _number(value: Any, form: str) -> tuple[str, float | None]:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return (form.format(value), value) if known else ("-", None)


def _commands(runs: Iterable[Run]) -> Iterator[str]:
    lines = [f"{command(run.results)}  # {run.path.name}" for run in runs if run.results]
    shown = preformatted("\n".join(lines))
    yield shown if len(lines) <= 12 else folded(f"{len(lines)} commands", shown)
