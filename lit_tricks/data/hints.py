"""What in a table looks like a mistake without being one for certain; each is one line in the log."""

import logging
import re

import numpy as np

from lit_tricks.data.delimited import Table

logger = logging.getLogger("lit_tricks")

MANY_CLASSES = 20
FEW_MEMBERS = 20
LEAST_ROWS = 10
_IDENTIFIER = re.compile(r"(row|record|sample)?[ _-]?(id|index|idx|nr|no|number)|.*[ _-](id|index|idx)|.*Id|unnamed.*")


def hint_at_label(table: Table, label: str, members: np.ndarray) -> None:
    """Say that ``label`` may be the wrong column: a class of one row, or more than 20 of fewer than 20 on average.

    ``members`` are the rows of each class.
    """
    alone, classes, rows = int((members == 1).sum()), len(members), int(members.sum())
    if alone or (classes > MANY_CLASSES and rows < FEW_MEMBERS * classes):
        single = f", {alone} of them with a single row" if alone else ""
        logger.info(
            "%s: label column %r has %d classes in %d rows%s: if another column holds the class, try data.label=NAME",
            table.path.name,
            label,
            classes,
            rows,
            single,
        )


def hint_at_identifiers(table: Table, numeric: list[str]) -> None:
    """Say which of the columns ``numeric`` look like row numbers.

    These are whole numbers that never repeat, in a column named after an identifier, or that count the rows in
    their order, in a file that names no columns.
    """
    if len(table) < LEAST_ROWS:
        return
    found = [name for name in numeric if _identifies(table, name)]
    if found:
        logger.info(
            "%s: column%s %s seem%s to number the rows, which teaches nothing about new ones: try data.drop=[%s]",
            table.path.name,
            "s"[: len(found) > 1],
            ", ".join(map(repr, found)),
            "s"[: len(found) == 1],
            ",".join(found),
        )


def _identifies(table: Table, name: str) -> bool:
    if table.has_header and not (_IDENTIFIER.fullmatch(name) or _IDENTIFIER.fullmatch(name.lower())):
        return False
    values = table.numbers(name)
    if not np.isfinite(values).all() or (values != np.floor(values)).any():
        return False
    return len(np.unique(values)) == len(values) if table.has_header else bool((np.diff(values) == 1).all())
