"""Words for a classifier's training are refused for a study, which trains none, instead of being passed over."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import Override

from lit_tricks.commandline.composition import Composed, Composer
from lit_tricks.commandline.ranges import TOP
from lit_tricks.commandline.said import said
from lit_tricks.errors import UserError

# what a study reads of a configuration, and what its run directory therefore keeps
READ = ("study", "logger", "seed", "threads", "allow_targets")
# A data_dir only says where files would lie: whoever gives it to every command may give it to a study's.
_ACCEPTED = (*READ, "resume", "data_dir")


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
    refused = {*composer.defaults(), *TOP} - set(_ACCEPTED)
    for place, origin in said(composed, overrides, composer):
        name = place.partition(".")[0]
        if name in refused:
            raise UserError(
                f"a study trains no classifier and reads no {name}; received {origin}: "
                "leave it out, or leave out the study"
            )
