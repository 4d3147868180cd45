"""Words for a classifier's training are refused for a study, which trains none, instead of being passed over."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import Override

from lit_tricks.commandline.composition import Composed, Composer
from lit_tricks.commandline.names import OVERLAY
from lit_tricks.commandline.ranges import TOP
from lit_tricks.errors import UserError

# what a study reads of a configuration, and what its run directory therefore keeps
READ = ("study", "logger", "seed", "threads", "allow_targets")


def is_study(content: Mapping[str, Any]) -> bool:
    """Return whether a configuration describes a study instead of a classifier's training."""
    return bool((content.get("study") or {}).get("_target_"))


def check_study(
    content: Mapping[str, Any], composed: Composed, overrides: Sequence[Override], composer: Composer
) -> None:
    """Raise ``UserError`` when the user, or an experiment that the user named, said something no study reads.

    Defaults are there for every run and count for nothing.

    Args:
        content: the composed configuration as primitives.
        composed: the same with the words it chose.
        overrides: what the user wrote.
        composer: the search path it came from.
    """
    if not is_study(content):
        return
    refused = {*composer.defaults(), *TOP} - {*READ, "resume"}
    for place, origin in _said(composed, overrides, composer):
        name = place.partition(".")[0]
        if name in refused:
            raise UserError(
                f"a study trains no classifier and reads no {name}; received {origin}: "
                "leave it out, or leave out the study"
            )


def _said(composed: Composed, overrides: Sequence[Override], composer: Composer) -> Iterator[tuple[str, str]]:
    """Yield each key or group that was set explicitly, and by what."""
    overlays: list[str] = []
    for override in overrides:
        if override.key_or_group == OVERLAY and not override.is_delete():
            value: Any = override.value()
            overlays += map(str, value if isinstance(value, list) else [value])
        elif not override.is_hydra_override():
            # a word put into a part of the study belongs to the study
            yield override.package or override.key_or_group, f"'{override.input_line or override.get_key_element()}'"
    for overlay in overlays:
        for key in composer.own(OVERLAY, overlay):
            yield str(key), f"+{OVERLAY}={overlay}"
    for group, word in composer.defaults().items():
        if composed.choices.get(group, word) != word:
            yield group, f"{group}={composed.choices[group]}"
