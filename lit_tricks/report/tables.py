"""The result table in the terminal."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lit_tricks.report.page import number
from lit_tricks.report.summary import class_table, metric_table

MOST_CLASSES = 20


def print_results(results: Mapping[str, Any], run_dir: str | Path, console: Console | None = None) -> None:
    """Print what a run came to: metrics by split, up to 20 classes, where it lies and how to look at it.

    Args:
        results: as ``results.json`` holds them; what is missing is left out.
        run_dir: the run directory.
        console: where to print; by default standard output, without colours when that is no terminal.
    """
    console = console or Console()
    status = results.get("status")
    if status in ("failed", "stopped"):
        console.print(Text(f"{status}: {results.get('reason') or 'no reason was recorded'}"), soft_wrap=True)
    head, rows = metric_table(results)
    if rows:
        console.print(_table(head, rows, console.width))
    head, rows = class_table(results)
    if 0 < len(rows) <= MOST_CLASSES:
        console.print()
        console.print(_table(head, rows, console.width))
    console.print()
    path = Path(run_dir)
    for name, value in (
        ("run", _near(path)),
        ("report", _near(path / "report.html") if (path / "report.html").is_file() else None),
        ("curves", f"tensorboard --logdir {shlex.quote(_near(path.resolve().parent))}"),
    ):
        if value is not None:
            # paths are copied: a line break in the middle would spoil them
            console.print(Text(f"{name:<7} {value}"), soft_wrap=True)


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


def _near(path: Path) -> str:
    """Return ``path`` relative to the working directory when it lies inside."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
