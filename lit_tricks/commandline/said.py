"""What a command line says itself, told apart from what is there by default."""

from collections.abc import Iterator, Sequence
from typing import Any

from hydra.core.override_parser.types import Override

from lit_tricks.commandline.composition import Composed, Composer
from lit_tricks.commandline.names import OVERLAY


def overlays(overrides: Sequence[Override]) -> list[str]:
    """Return the experiments that were named, in their order."""
    chosen: list[str] = []
    for override in overrides:
        if override.key_or_group == OVERLAY and not override.is_delete():
            value: Any = override.value()
            chosen += map(str, value if isinstance(value, list) else [value])
    return chosen


def said(composed: Composed, overrides: Sequence[Override], composer: Composer) -> Iterator[tuple[str, str]]:
    """Yield each key or group that was set explicitly, by the user or by an experiment, and by what.

    First come the user's own, then the experiments', then the groups whose word is not the default.
    """
    for override in overrides:
        is_overlay = override.key_or_group == OVERLAY and not override.is_delete()
        if not is_overlay and not override.is_hydra_override():
            # a word put into a part of a study belongs to the study
            yield override.package or override.key_or_group, f"'{override.input_line or override.get_key_element()}'"
    for word in overlays(overrides):
        for key in composer.own(OVERLAY, word):
            yield str(key), f"+{OVERLAY}={word}"
    for group, word in composer.defaults().items():
        if composed.choices.get(group, word) != word:
            yield group, f"{group}={composed.choices[group]}"
