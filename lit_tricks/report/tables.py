"""The result table in the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lit_tricks.report.answer import sentence, texts
from lit_tricks.report.comparing import Comparison
from lit_tricks.report.page import number
from lit_tricks.report.run_files import has_events, read_diagnosis
from lit_tricks.report.runs import Run
from lit_tricks.report.summary import class_table, curves, measured, metric_table, near

MOST_CLASSES = 20
LONGEST_EVIDENCE = 140
# what 80 columns hold beside the name of the class; the page has more
NARROW = ("support", "precision", "recall", "f1", "auroc")
MOST_GROUPS = 20


def print_results(results: Mapping[str, Any], run_dir: str | Path, console: Console | None = None) -> None:
    """Print what a run came to: metrics by split, up to 20 classes, what the doctor found, where all of it lies.

    Args:
        results: as ``results.json`` holds them; what is missing is left out.
        run_dir: the run directory, whose ``diagnosis.json`` and event files are looked at.
        console: where to print; by default standard output, without colours when that is no terminal.
    """
    console = console or Console()
    status = results.get("status")
    if status in ("failed", "stopped"):
        console.print(Text(f"{status}: {results.get('reason') or 'no reason was recorded'}"), soft_wrap=True)
    head, rows = metric_table(results)
    if rows:
        console.print(_table(head, rows, console.width))
    head, rows = class_table(results, NARROW)
    if 0 < len(rows) <= MOST_CLASSES:
        console.print()
        console.print(_table(head, rows, console.width))
    console.print()
    path = Path(run_dir)
    weights = measured(results) if results.get("metrics") else None
    # a study has nothing to examine
    doctor = [] if "study" in results else _doctor(path)
    for line in (*([weights] if weights else []), *doctor, *_places(path)):
        # paths and overrides are copied: a line break in the middle would spoil them
        console.print(Text(line), soft_wrap=True)


def print_comparison(
    comparisons: Sequence[Comparison], runs: Sequence[Run], page: Path, console: Console | None = None
) -> None:
    """Print the table of groups, the runs that do not count with their reasons, the answer, and where the page lies."""
    console = console or Console()
    for comparison in comparisons:
        console.print()
        best = sorted(comparison.others, key=lambda group: group.mean, reverse=not comparison.lower_is_better)
        kept = {comparison.baseline.label, *(group.label for group in best[:MOST_GROUPS])}
        rows = [_compared(*row) for row in texts(comparison) if row[0] in kept]
        console.print(_table(["group", "n", "mean", "difference, 95%", "verdict"], rows, console.width))
        if len(kept) < len(comparison.groups):
            console.print(f"the baseline and the best {MOST_GROUPS} of {len(comparison.groups)} groups")
    counted = {run.path for comparison in comparisons for group in comparison.groups for run in group.runs}
    told = {run.path: reason for comparison in comparisons for run, reason in comparison.left_out}
    for run in runs:
        if run.path not in counted:
            console.print(Text(f"not counted: {near(run.path)}: {told.get(run.path) or run.state}"), soft_wrap=True)
    for comparison in comparisons:
        for warning in comparison.warnings:
            console.print(Text(f"warning: {warning}"), soft_wrap=True)
        data = f"{comparison.data}: " if len(comparisons) > 1 else ""
        console.print(Text(f"{data}{sentence(comparison)}"), soft_wrap=True)
    if not comparisons:
        console.print("No run can be compared: none was completed with an accuracy")
    console.print(Text(f"page    {near(page)}"), soft_wrap=True)


def _compared(label: str, verdict: str, n: str, mean: str, _: str, difference: str, span: str, *__: str) -> list[str]:
    """Return the cells that a terminal has room for."""
    return [label, n, mean, difference if span == "-" else f"{difference} {span}", verdict]


def _doctor(run_dir: Path) -> Iterator[str]:
    diagnosis = read_diagnosis(run_dir)
    if diagnosis is None:
        return
    findings, checks = diagnosis
    if not findings:
        yield f"doctor: nothing found (checks: {', '.join(checks) or 'none'})"
    for finding in findings:
        said = f"doctor: {finding['severity']}: {finding['symptom']}"
        if "evidence" in finding:
            said += f": {shorten(finding['evidence'], LONGEST_EVIDENCE, placeholder=' …')}"
        yield said + (f": try {finding['prescription']}" if finding.get("prescription") else "")


def _places(run_dir: Path) -> Iterator[str]:
    yield f"run     {near(run_dir)}"
    if (run_dir / "report.html").is_file():
        yield f"report  {near(run_dir / 'report.html')}"
    if has_events(run_dir):
        yield f"curves  {curves(run_dir)}"


def _table(head: list[str], rows: list[list[Any]], width: int) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), show_edge=False)
    names, *columns = zip(head, *([str(first), *map(number, rest)] for first, *rest in rows), strict=True)
    wanted = [max(map(len, cells)) for cells in columns]
    # where room is short the names are cut, never a number; a column has a border and a space on each side
    room = width - sum(wanted) - 3 * (len(wanted) + 1)
    table.add_column(Text(names[0]), no_wrap=True, max_width=max(room, 8))
    for cells, size in zip(columns, wanted, strict=True):
        table.add_column(Text(cells[0]), justify="right", no_wrap=True, min_width=size)
    for row in zip(names[1:], *(cells[1:] for cells in columns), strict=True):
        table.add_row(*map(Text, row))
    return table
