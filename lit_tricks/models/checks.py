"""Checks of what a user may write for a network."""

import difflib
from collections.abc import Collection, Sequence
from numbers import Integral, Real

from lit_tricks.errors import UserError


def known_word(knob: str, word: str, known: Collection[str]) -> str:
    """Return ``word`` when it is one of ``known``; otherwise raise ``UserError`` with the nearest match."""
    if word in known:
        return word
    near = difflib.get_close_matches(str(word), known, 1, cutoff=0.5)
    remedy = f"try {knob}={near[0]}" if near else f"try {knob}={next(iter(known))}"
    raise UserError(f"{knob} must be one of {', '.join(known)}; received {word}: {remedy}")


def whole_number(knob: str, value: int, example: int = 1) -> int:
    """Return ``value`` when it is a whole number of at least 1, else raise ``UserError`` with ``example``."""
    if not _counts(value):
        raise UserError(f"{knob} must be a whole number of at least 1; received {value}: try {knob}={example}")
    return int(value)


def sizes(knob: str, values: Sequence[int], example: str) -> list[int]:
    """Return ``values`` when it is a list, perhaps empty, of whole numbers of at least 1, else raise ``UserError``."""
    if isinstance(values, str) or not isinstance(values, Sequence) or not all(_counts(value) for value in values):
        raise UserError(
            f"{knob} must be a list of whole numbers of at least 1; received {values}: try {knob}={example}"
        )
    return [int(value) for value in values]


def shares(knob: str, value: float | Sequence[float], length: int, places: str) -> list[float]:
    """Return ``length`` dropout shares from one number for all, or from a list with one number per place.

    Raises ``UserError`` when a share is outside [0, 1) or the list's length differs from ``length``;
    ``places`` names what a share belongs to.
    """
    listed = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value] * max(length, 1)
    if not all(isinstance(share, Real) and 0 <= share < 1 for share in listed):
        raise UserError(f"{knob} must be in [0, 1); received {value}: try {knob}=0.2")
    if isinstance(value, Sequence) and len(listed) != length:
        raise UserError(
            f"{knob} needs one share per {places}, {length} in all; received {value}: try one number, {knob}=0.2"
        )
    return [float(share) for share in listed[:length]]


def network_shape(input_shape: Sequence[int], num_classes: int) -> tuple[int, ...]:
    """Return ``input_shape`` as a tuple; raise ``UserError`` for a dimension or class count below 1."""
    whole_number("num_classes", num_classes, 2)
    return tuple(whole_number("every dimension of input_shape", size) for size in input_shape)


def _counts(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
