"""Words for a network's training are refused for a model that is fitted at once, instead of being passed over."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import Override

from lit_tricks.commandline.composition import Composed, Composer
from lit_tricks.commandline.said import said
from lit_tricks.errors import UserError
from lit_tricks.groups import CLASSICAL
from lit_tricks.targets import is_classical

ONLY_FOR_NETWORKS = (
    "batch_size", "batch_factor", "epoch_factor", "lr_scaling", "base_batch_size", "compile", "stepping",
)  # fmt: skip


def check_classical(
    content: Mapping[str, Any], composed: Composed, overrides: Sequence[Override], composer: Composer
) -> None:
    """Raise ``UserError`` when the user, or an experiment that the user named, said something about training steps.

    Defaults are there for every run and count for nothing.

    Args:
        content: the composed configuration as primitives.
        composed: the same with the words it chose.
        overrides: what the user wrote.
        composer: the search path it came from.
    """
    if not is_classical((content.get("model") or {}).get("_target_")):
        return
    refused = {*composer.defaults(), *ONLY_FOR_NETWORKS} - set(CLASSICAL)
    for place, origin in said(composed, overrides, composer):
        name = place.partition(".")[0]
        if name in refused:
            raise UserError(
                f"model={composed.choices['model']} is fitted at once and reads no {name}; received {origin}: "
                "leave it out, or choose a network with model=mlp"
            )


def with_custom_word(composer: Composer) -> list[Override]:
    """Return the overrides, with ``model=custom`` before a classical ``model._target_`` that comes without a word.

    The default word's knobs are a network's, which no classical classifier takes.
    """
    given = {override.key_or_group: override for override in composer.overrides}
    target = given.get("model._target_")
    if "model" in given or target is None or not is_classical(target.value()):
        return composer.overrides
    return [composer.parse("model=custom"), *composer.overrides]
