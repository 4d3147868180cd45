"""Are the groups, words and keys that the user wrote the ones there are?"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from lit_tricks.commandline.aliases import ABSENT, ALIASES
from lit_tricks.commandline.composition import Composed, Composer
from lit_tricks.commandline.suggest import did_you_mean
from lit_tricks.errors import UserError

OVERLAY = "experiment"


def check_words(override: Override, composer: Composer, defaults: Mapping[str, Any]) -> None:
    """Raise ``UserError`` when an override that chooses a word names no group, no word, or the wrong way of adding.

    ``override`` has one value: the choices of a sweep are checked one by one. An override of a key is left alone.
    """
    group, line = override.key_or_group, override.input_line
    if override.is_hydra_override() or isinstance(override.value(), dict):
        return
    if not composer.is_group(group):
        if "/" in group or override.package is not None:
            known = did_you_mean(group, composer.groups())
            raise UserError(f"there is no group '{group}' (in '{line}'){known}")
        return
    if override.is_force_add():
        raise UserError(f"a group takes one + at most; received '{line}': try {line.lstrip('+') if line else group}")
    if override.is_delete():
        if group in defaults:
            raise UserError(f"every run needs a word for {group}; received '{line}': choose one with {group}=WORD")
        return
    value = override.value()
    for word in value if isinstance(value, list) else [value]:
        _check_word(group, word, composer, "" if group in defaults else "+")
    if override.package is not None:
        return
    shown = override.get_value_element_as_str()
    if override.is_add() and group in defaults:
        raise UserError(f"{group} already has a word to replace; received '{line}': try {group}={shown}")
    if not override.is_add() and group not in defaults:
        raise UserError(f"{group} has no default word to replace; received '{line}': try +{group}={shown}")
    if isinstance(value, list) and group in defaults:
        raise UserError(f"{group} takes one word; received '{line}': try {group}={value[0] if value else 'WORD'}")


def _check_word(group: str, word: Any, composer: Composer, plus: str) -> None:
    words = composer.words(group)
    if isinstance(word, str) and word in words:
        return
    shown = "null" if word is None else word
    if isinstance(word, str) and composer.repository.config_exists(f"{group}/{word}") and not word.startswith("_"):
        return
    near = did_you_mean(str(word), words, prefix=f"{plus}{group}=")
    listed = ", ".join(words[:20]) + (f", … (lit-tricks list {group})" if len(words) > 20 else "")
    raise UserError(f"{group} has no word '{shown}'{near or ':'} words: {listed}")


def check_key(override: Override, composed: Composed, composer: Composer) -> None:
    """Raise ``UserError`` when a ``key=value`` override names a key that is not there, or adds one that nobody reads.

    What ``+`` adds below a group is judged later, when it is known which class the group builds.
    """
    key, line = override.key_or_group, override.input_line
    if override.is_hydra_override() or key == "hydra":
        return
    present = has_path(composed.config, key)
    if override.is_add() and present and not isinstance(override.value(), dict | list):
        raise UserError(f"{key} is there already; received '{line}': try {line.lstrip('+') if line else key}")
    if present:
        return
    top = key.partition(".")[0]
    if (override.is_add() or override.is_force_add()) and top in composed.config and "." in key:
        return
    raise UserError(unknown_key(key, composed, composer, prefix="~" if override.is_delete() else ""))


def unknown_key(key: str, composed: Composed, composer: Composer, prefix: str = "", origin: str = "") -> str:
    """Return the message for a key that nobody reads, with where it would be known or what is nearest to it."""
    group, _, inner = key.partition(".")
    word = composed.choices.get(group)
    if inner and isinstance(word, str):
        having = [other for other in composer.words(group) if has_path(composer.own(group, other), inner)]
        if having:
            return f"{group}={word} has no {inner}{origin}: words with it: {', '.join(having)}"
    setting = [name for name in experiments(composer) if has_path(composer.own(OVERLAY, name), key)]
    if setting and not origin:
        return f"{key} is not part of this run: add +{OVERLAY}={setting[0]}"
    if not prefix and (known := _known_as(key, composed, composer)):
        return f"there is no '{key}'{origin}: {known}"
    near = did_you_mean(key, _offered(key, composed, composer), prefix)
    if not near and inner and isinstance(word, str):
        own = [path for path in paths(composer.own(group, word)) if not path.startswith("_")]
        near = f": {group}={word} has {', '.join(own) or 'no knobs'}"
    return f"there is no '{key}'{origin}{near or ': see --help'}"


def _known_as(key: str, composed: Composed, composer: Composer) -> str:
    """Return the advice for a name that is another program's, or ours without its group; empty for others."""
    name = key.rpartition(".")[2]
    if name in ABSENT:
        return ABSENT[name]
    if "." not in key and has_path(composed.config, f"study.{key}"):
        return f"did you mean study.{key}?"
    ours = ALIASES.get(name) or ("" if "." in key else _with_group(name, composed, composer))
    if not ours or ours == key:
        return ""
    if "." in ours and "=" not in ours and not has_path(composed.config, ours):
        return unknown_key(ours, composed, composer)
    return f"did you mean {ours}?"


def _with_group(name: str, composed: Composed, composer: Composer) -> str:
    """Return the knob or word that a name without its group stands for, the knobs of this run first."""
    groups = composer.defaults()
    overlay = [f"+{OVERLAY}={name}"] if name in experiments(composer) else []
    present = [f"{group}.{name}" for group in groups if has_path(composed.config, f"{group}.{name}")][:1]
    if present:
        return " or ".join([*present, *overlay])
    for group in groups:
        if any(has_path(composer.own(group, word), name) for word in composer.words(group)):
            return f"{group}.{name}"
    return next(iter([*overlay, *(f"{group}={name}" for group in groups if name in composer.words(group))]), "")


def _offered(key: str, composed: Composed, composer: Composer) -> list[str]:
    """Return the keys and groups that a mistyped ``key`` may have meant."""
    group = key.partition(".")[0]
    known = [path for path in paths(composed.config) if not path.startswith("hydra")]
    known += [f"+{name}" for name in composer.groups() if name not in composer.defaults()]
    absent = {key} if group in composer.defaults() else {key, group}
    return [path for path in known if path not in absent]


def experiments(composer: Composer) -> list[str]:
    """Return the overlays there are."""
    return composer.words(OVERLAY) if composer.is_group(OVERLAY) else []


def origin_of(key: str, overlays: Iterable[str], composer: Composer) -> str:
    """Return `` (set by +experiment=…)`` when one of the chosen overlays sets the key."""
    for name in overlays:
        if has_path(composer.own(OVERLAY, name), key):
            return f" (set by +{OVERLAY}={name})"
    return ""


def has_path(node: Any, path: str) -> bool:
    """Return whether nested mappings (and lists, by index) hold a dotted path, its value null or missing included."""
    for part in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(node, DictConfig):
            if node._is_none() or part not in node.keys():  # noqa: SIM118 - `in` is false for a missing value
                return False
            node = node._get_node(part)
        elif OmegaConf.is_list(node) and part.isdigit() and int(part) < len(node):
            node = node._get_node(int(part))
        else:
            return False
    return True


def paths(node: DictConfig, prefix: str = "") -> Iterator[str]:
    """Yield every dotted path of nested mappings, inner nodes included."""
    for key in node.keys():  # noqa: SIM118 - iterating a DictConfig resolves values
        path = f"{prefix}{key!s}"
        yield path
        child = node._get_node(key)
        if isinstance(child, DictConfig) and not child._is_none() and not child._is_interpolation():
            yield from paths(child, f"{path}.")
