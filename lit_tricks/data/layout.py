"""Columns by name or position, and the columns of a second file matched to those of the first."""

import difflib
from collections.abc import Sequence

from lit_tricks.data.delimited import Table
from lit_tricks.data.labels import listing
from lit_tricks.errors import UserError


def find_column(table: Table, reference: str | int, override: str) -> str:
    """Return the name of the column that ``reference`` means: a name, or a position from 0, negative from the end.

    Raises ``UserError`` that lists the columns and the nearest match; ``override`` is the word it was given by.
    """
    names = table.names
    if reference in names:
        return str(reference)
    try:
        position = int(reference)
    except ValueError:
        near = difflib.get_close_matches(str(reference), names, n=1, cutoff=0.5)
        remedy = f"did you mean {override}={near[0]}?" if near else f"try {override}={names[-1]}"
        raise UserError(
            f"{override} must be a column of {table.path}; received {reference!r}, columns are {listing(names)}: "
            f"{remedy}"
        ) from None
    if not -len(names) <= position < len(names):
        raise UserError(
            f"{override} must be a position from {-len(names)} to {len(names) - 1} in {table.path}; "
            f"received {position}: try {override}=-1"
        )
    return names[position]


def find_columns(table: Table, references: Sequence[str | int] | str | int, override: str) -> set[str]:
    """Return the names of several columns, or of a single one."""
    several = [references] if isinstance(references, str | int) else references
    return {find_column(table, reference, override) for reference in several}


def match_columns(table: Table, names: Sequence[str], used: Sequence[str], label: str) -> Table:
    """Return ``table`` with the columns of the training file, in which ``names`` are all and ``used`` are needed.

    With a header, columns go by name, in any order, and further ones are ignored; without one by position, where
    the ``label`` column may be absent unless it is ``used``. Raises ``UserError`` that names what is missing.
    """
    if table.has_header:
        absent = [name for name in used if name not in table.names]
        if absent:
            raise UserError(
                f"{table.path} must hold the columns of the training file; missing: {', '.join(absent)} "
                f"(found: {listing(table.names)}): add them, or name them in its first line"
            )
        return table
    layouts = [list(names)] if label in used else [list(names), [name for name in names if name != label]]
    for layout in layouts:
        if len(layout) == len(table.names):
            return Table(table.path, table.cells.set_axis(layout, axis="columns"), has_header=False)
    expected = " or ".join(str(len(layout)) for layout in layouts)
    described = "" if label in used else f" (with or without the label {label})"
    raise UserError(
        f"{table.path} must hold {expected} columns like the training file{described}; it holds {len(table.names)}: "
        "correct the file or its separator"
    )
