"""What one knob accepts, and how it says so."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from lit_tricks.commandline.suggest import nearest

Kind = Literal["int", "float", "bool", "str", "mapping", "any"]

_NOUNS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "mapping": "a mapping",
    "any": "a value",
}

_PLURALS = {
    "int": "whole numbers",
    "float": "numbers",
    "bool": "true or false",
    "str": "texts",
    "mapping": "mappings",
    "any": "values",
}


@dataclass(frozen=True)
class Knob:
    """The values one key of the configuration may have.

    Attributes:
        kind: what a single value is; ``float`` takes whole numbers too, ``int`` takes no fractions.
        low, high: bounds of a number, None for none.
        low_open, high_open: whether the bound itself is refused.
        choices: the only values allowed, empty for any.
        optional: whether ``null`` is allowed.
        listed: whether the value is a single one, a list of them, or either.
        least, most: fewest and most items of a list.
        other: a further way to satisfy the knob.
        note: a value to try, named in the message.
    """

    kind: Kind
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    choices: tuple[Any, ...] = ()
    optional: bool = False
    listed: Literal["no", "yes", "either"] = "no"
    least: int = 0
    most: int | None = None
    other: "Knob | None" = None
    note: Any = None

    def suggestion(self, value: Any) -> Any:
        """Return a value to try instead of ``value``: the choice that resembles it, else the note, or None."""
        words = [choice for choice in self.choices if isinstance(choice, str)]
        near = nearest(value, words) if isinstance(value, str) and words else None
        return self.note if near is None else near

    def complaint(self, value: Any) -> str | None:
        """Return what the value must be when it is not that, None when all is well."""
        return None if self._accepts(value) else f"must be {self.expectation()}"

    def _accepts(self, value: Any) -> bool:
        if value is None:
            return self.optional
        if isinstance(value, list | tuple):
            fits = self.listed != "no" and self._is_long_enough(value) and all(map(self._fits, value))
        else:
            fits = self.listed != "yes" and self._fits(value)
        return fits or (self.other is not None and self.other._accepts(value))

    def _fits(self, value: Any) -> bool:
        if self.choices:
            # true is not 1 here, nor 1.0
            return any(value == choice and type(value) is type(choice) for choice in self.choices)
        if self.kind in ("int", "float"):
            return self._is_number(value) and self._is_inside(value)
        kinds: dict[str, Any] = {"bool": bool, "str": str, "mapping": dict, "any": object}
        return isinstance(value, kinds[self.kind])

    def _is_long_enough(self, values: Sequence[Any]) -> bool:
        return self.least <= len(values) and (self.most is None or len(values) <= self.most)

    def _is_number(self, value: Any) -> bool:
        if isinstance(value, bool):
            return False
        return isinstance(value, int) or (self.kind == "float" and isinstance(value, float) and math.isfinite(value))

    def _is_inside(self, value: float) -> bool:
        if self.low is not None and (value <= self.low if self.low_open else value < self.low):
            return False
        return self.high is None or not (value >= self.high if self.high_open else value > self.high)

    def expectation(self) -> str:
        """Return the knob's rule in words, for example ``a number greater than 0``."""
        single = self._one_of() if self.choices else _NOUNS[self.kind] + self._bounds()
        parts = []
        if self.listed != "yes":
            parts.append(single)
        if self.listed != "no":
            several = f"of {self._one_of()}" if self.choices else f"{_PLURALS[self.kind]}{self._bounds()}"
            parts.append(f"a list of {self._length()}{several}")
        if self.other is not None:
            parts.append(self.other.expectation())
        if self.optional:
            parts.append("null")
        return ", or ".join(dict.fromkeys(parts))

    def _length(self) -> str:
        if self.least and self.least == self.most:
            return f"{self.least} "
        return f"at least {self.least} " if self.least else ""

    def _one_of(self) -> str:
        texts = [str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in self.choices]
        shown = list(dict.fromkeys(texts))
        return f"{', '.join(shown[:-1])} or {shown[-1]}" if len(shown) > 1 else shown[0]

    def _bounds(self) -> str:
        low = "" if self.low is None else f"{'greater than' if self.low_open else 'at least'} {self.low}"
        high = "" if self.high is None else f"{'less than' if self.high_open else 'at most'} {self.high}"
        return "".join(f" {text}" for text in [" and ".join(filter(None, (low, high)))] if text)


def number(low: float | None = None, high: float | None = None, open_ends: str = "", **more: Any) -> Knob:
    """Return a knob for a number; ``open_ends`` holds ``(`` when ``low`` and ``)`` when ``high`` is refused."""
    return Knob("float", low, high, "(" in open_ends, ")" in open_ends, **more)


def whole(low: float | None = None, high: float | None = None, **more: Any) -> Knob:
    """Return a knob for a whole number from ``low`` to ``high``, both included."""
    return Knob("int", low, high, **more)


def flag(**more: Any) -> Knob:
    """Return a knob for true or false."""
    return Knob("bool", **more)


def text(**more: Any) -> Knob:
    """Return a knob for text."""
    return Knob("str", **more)


def one_of(*choices: Any, **more: Any) -> Knob:
    """Return a knob for one of a few values."""
    return Knob("any", choices=choices, **more)


def either(first: Knob, *others: Knob, note: Any = None) -> Knob:
    """Return a knob that any of the given ones satisfies."""
    return replace(first, other=either(*others) if others else first.other, note=first.note if note is None else note)


def optional(knob: Knob) -> Knob:
    """Return the knob with ``null`` allowed."""
    return replace(knob, optional=True)
