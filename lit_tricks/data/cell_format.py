"""How a delimited file separates its cells and writes its numbers."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lit_tricks.errors import UserError

Decimal = Literal["point", "comma"]

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "space": " "}
"""Words for the separators that shells and Hydra would need in quotes."""

# thousands are grouped by points or blanks, if at all
_COMMA_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}([. \u00a0]\d{3})+),\d+([eE][+-]?\d+)?")


def delimiter(separator: str) -> str:
    """Return the character that ``separator`` stands for; raises ``UserError`` where it is not one."""
    found = SEPARATORS.get(separator, separator)
    if not isinstance(found, str) or len(found) != 1 or found in "\"'\r\n":
        raise UserError(
            f"data.separator must be one character or {', '.join(SEPARATORS)}; received {separator!r}: "
            "try data.separator=semicolon"
        )
    return found


def likely_separator(line: str, tried: str) -> str | None:
    """Return the word for a separator that a line holds and that was not ``tried``, None without one."""
    return next((word for word in ("comma", "semicolon", "tab", "pipe") if SEPARATORS[word] in line != tried), None)


def with_points(cells: Sequence[str], decimal: Decimal) -> list[str]:
    """Return one row's cells with the numbers that ``decimal`` allows as Python writes them."""
    if decimal == "point":
        return list(cells)
    return [re.sub(r"[. \u00a0]", "", cell).replace(",", ".") if is_comma_number(cell) else cell for cell in cells]


def is_comma_number(cell: str) -> bool:
    """Return whether a cell is a number with a decimal comma, such as ``-1.234,5``."""
    return _COMMA_NUMBER.fullmatch(cell.strip()) is not None


def check_decimals(name: str, cells: Sequence[str], path: Path) -> None:
    """Raise ``UserError`` when those cells of a column that are no numbers are some with a decimal comma."""
    if cells and all(map(is_comma_number, cells)):
        raise UserError(
            f"a column of numbers must have decimal points; {path} has {cells[0].strip()!r} in {name}: "
            "try data.decimal=comma, or take out the commas that group thousands"
        )
