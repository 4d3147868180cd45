"""Experiments stacked on one another: in the order given, and none undoes another in silence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydra.core.default_element import GroupDefault
from omegaconf import OmegaConf

from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.names import OVERLAY
from lit_tricks.errors import UserError

PINNED = "lecture/"


def check_stack(overlays: Sequence[str], given: Sequence[str], composer: Composer) -> None:
    """Raise ``UserError`` when a stacked experiment would undo what one before it sets.

    Args:
        overlays: the experiments in their order. A trick may change a lecture's row that stands before it.
        given: the keys and groups of the command line, which have the last word over all of them.
        composer: where the experiments are.
    """
    chosen: dict[str, tuple[str, Any]] = {}
    for word in overlays:
        for key, value in _settings(word, composer):
            earlier, before = chosen.get(key, (word, value))
            if before == value or earlier.startswith(PINNED) or _is_given(key, given):
                chosen[key] = (word, value)
                continue
            if word.startswith(PINNED):
                remedy = f"put {word} first"
            else:
                remedy = f"leave one out, or choose by adding {key}={_shown(before)}"
            raise UserError(
                f"{earlier} and {word} cannot both have {key}; received {_shown(before)} and {_shown(value)}: {remedy}"
            )


def _settings(word: str, composer: Composer) -> Iterator[tuple[str, Any]]:
    """Yield every knob that an experiment sets and every group whose word it chooses."""
    result = composer.repository.load_config(f"{OVERLAY}/{word}")
    if result is None:
        return
    for default in result.defaults_list or ():
        if isinstance(default, GroupDefault) and default.override:
            yield str(default.group).lstrip("/"), default.value
    yield from _leaves(OmegaConf.to_container(result.config, resolve=False))


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(node, Mapping):
        yield path, node
        return
    for key, inner in node.items():
        # how a sweep is run is no knob of a run
        if path or key != "hydra":
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))


def _is_given(key: str, given: Sequence[str]) -> bool:
    return any(key == each or key.startswith(f"{each}.") for each in given)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_shown, value))}]"
    return {None: "null", True: "true", False: "false"}.get(value, str(value))
