"""Does a composed configuration hold only what its words read, within what they accept?"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lit_tricks.commandline.composition import Composed, Composer
from lit_tricks.commandline.knobs import Knob
from lit_tricks.commandline.names import has_path, origin_of, unknown_key
from lit_tricks.commandline.ranges import KNOBS, TOP
from lit_tricks.commandline.suggest import did_you_mean
from lit_tricks.errors import UserError
from lit_tricks.targets import OWN_PACKAGE, check_all_targets, check_allow_targets, is_allowed

# Groups whose node holds named nodes, each with a class of its own, instead of one class's arguments.
COLLECTIONS = ("augmentation", "callbacks", "logger")
INSTANTIATION = ("_target_", "_partial_", "_convert_", "_recursive_", "_args_")
HYDRAS_OWN = ("hydra._internal.core_plugins", "hydra.experimental.callbacks", "hydra_plugins")
MISSING = "???"

# The classes that a word of a group leaves to the user, for messages.
EXAMPLES = {"data": "my_package.MyData", "model": "my_package.MyNet"}


class Deferred:
    """Stands for a value that only the running job knows, such as ``${hydra:job.num}``."""


def plain(node: DictConfig | ListConfig, path: str = "", complete: bool = True) -> Any:
    """Return nested primitives; raise ``UserError`` for an interpolation that leads nowhere.

    A missing value is an error too where the configuration must be ``complete``, else it stays ``???``.
    """
    if isinstance(node, ListConfig):
        return [_value(node, index, f"{path}[{index}]", complete) for index in range(len(node))]
    keys = node.keys()
    return {str(key): _value(node, key, f"{path}.{key!s}" if path else str(key), complete) for key in keys}


def _value(node: DictConfig | ListConfig, key: Any, path: str, complete: bool) -> Any:
    if OmegaConf.is_missing(node, key):
        if not complete:
            return MISSING
        raise UserError(f"{path} has no value: set it with {_remedy(path)}")
    if OmegaConf.is_interpolation(node, key):
        raw = OmegaConf.to_container(node, resolve=False)[key]  # type: ignore[index]
        if "${hydra:" in str(raw):
            return Deferred()
        try:
            value = node[key]
        except OmegaConfBaseException as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{path} is {raw}, which leads nowhere: {reason}") from error
    else:
        value = node[key]
    return plain(value, path, complete) if isinstance(value, DictConfig | ListConfig) else value


def _remedy(path: str) -> str:
    group, _, key = path.rpartition(".")
    if key != "_target_":
        return f"{path}=VALUE"
    return f"{path}={EXAMPLES.get(group, 'my_package.MyClass')} allow_targets=[my_package]"


def check_config(
    composed: Composed, composer: Composer, overlays: Iterable[str], complete: bool = True
) -> dict[str, Any]:
    """Check everything about one composed configuration that needs no heavy import; return it as primitives.

    Args:
        composed: the configuration with all overrides applied.
        composer: the search path it came from.
        overlays: the experiments stacked on it, for messages.
        complete: whether every value must be there, as for a run.

    Raises:
        UserError: for the first key that nobody reads, value out of range, or class not on the allow-list.
    """
    config = OmegaConf.create({})
    for key in composed.config.keys():  # noqa: SIM118
        if key != "hydra":
            config._set_item_impl(key, composed.config._get_node(key))
    content: dict[str, Any] = plain(config, complete=complete)
    packages = check_allow_targets(content.get("allow_targets") or [])
    check_all_targets(_without_missing(content), packages)
    hydra = {key: composed.config.hydra.get(key) for key in ("callbacks", "launcher", "sweeper")}
    hydra_nodes = OmegaConf.to_container(OmegaConf.create(hydra), resolve=False)
    check_all_targets(hydra_nodes, (*HYDRAS_OWN, *packages), "hydra")
    groups = composer.defaults()
    for key, value in content.items():
        if key in groups:
            _check_group(key, value, composed, composer, list(overlays))
        elif key in TOP:
            _check_value(key, value, TOP[key])
        else:
            origin = origin_of(key, overlays, composer)
            raise UserError(unknown_key(key, composed, composer, origin=origin))
    for group in groups:
        if group not in content:
            raise UserError(f"every run needs a word for {group}: choose one with {group}=WORD")
    return content


def _without_missing(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _without_missing(value) for key, value in node.items() if value is not MISSING}
    return [_without_missing(value) for value in node] if isinstance(node, list) else node


def _check_group(group: str, node: Any, composed: Composed, composer: Composer, overlays: list[str]) -> None:
    word = composed.choices.get(group)
    if not isinstance(word, str):
        raise UserError(f"every run needs a word for {group}: choose one with {group}=WORD")
    if not isinstance(node, Mapping):
        raise UserError(f"{group} must be a word of the group or its keys; received {node!r}: try {group}={word}")
    own = composer.own(group, word, composed.choices)
    if group in COLLECTIONS:
        for name, inner in node.items():
            _check_member(group, name, inner, own, composed, composer, overlays)
    elif not is_open(node, own):
        if "_target_" in own and "_target_" not in node:
            raise UserError(f"{group}._target_ was removed: choose another word with {group}=WORD")
        _check_keys(group, node, own, composed, composer, overlays)
        _check_knobs(group, word, node)


def _check_member(
    group: str, name: str, node: Any, own: DictConfig, composed: Composed, composer: Composer, overlays: list[str]
) -> None:
    if node is None:
        return
    place = f"{group}.{name}"
    if not isinstance(node, Mapping) or "_target_" not in node:
        known = [*own, *(key.partition(".")[0] for key in KNOBS[group])]
        near = did_you_mean(name, known, f"{group}.")
        raise UserError(f"{place} has no _target_, so nothing can be built from it{near}")
    inner_own = own._get_node(name) if name in own else None
    if isinstance(inner_own, DictConfig):
        if not is_open(node, inner_own):
            _check_keys(place, node, inner_own, composed, composer, overlays)
    elif str(node["_target_"]).startswith(f"{OWN_PACKAGE}."):
        known = [key for key in KNOBS[group] if key.startswith(f"{name}.")]
        for key in node:
            if known and key not in INSTANTIATION and f"{name}.{key}" not in known:
                near = did_you_mean(f"{name}.{key}", known, f"{group}.")
                raise UserError(f"there is no '{place}.{key}'{near}")
    else:
        return
    _check_knobs(group, "", {name: node})


def is_open(node: Mapping[str, Any], own: DictConfig) -> bool:
    """Return whether the node's class is the user's choice, whose keyword arguments only that class knows."""
    target = str(node.get("_target_", OWN_PACKAGE))
    if target == OWN_PACKAGE or target.startswith(f"{OWN_PACKAGE}."):
        return False
    shipped = OmegaConf.to_container(own, resolve=False).get("_target_", target)  # type: ignore[union-attr]
    return target == MISSING or not is_allowed(target) or target != shipped


def _check_keys(
    place: str, node: Mapping[str, Any], own: DictConfig, composed: Composed, composer: Composer, overlays: list[str]
) -> None:
    for key in leaves(node):
        if not has_path(own, key) and not _inside_mapping_knob(place, key) and key not in INSTANTIATION:
            path = f"{place}.{key}"
            raise UserError(unknown_key(path, composed, composer, origin=origin_of(path, overlays, composer)))


def _inside_mapping_knob(place: str, key: str) -> bool:
    table = KNOBS.get(place, {})
    parts = key.split(".")
    return any(".".join(parts[:end]) in table for end in range(1, len(parts)))


def leaves(node: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted paths of the values in nested mappings; an empty mapping is a value."""
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def knob_for(group: str, word: str, key: str) -> Knob | None:
    """Return the rule of one key; a rule for one word goes before the rule for its group.

    The parts of a study may have names of their own, which ``*`` stands for, and hold words of other groups under the
    group's name, with that group's rules.
    """
    knob = KNOBS.get(f"{group}/{word}", {}).get(key) or KNOBS.get(group, {}).get(key)
    if knob is not None or group != "study":
        return knob
    parts = key.split(".")
    for place, part in enumerate(parts[:-1]):
        if part in KNOBS:
            return knob_for(part, "", ".".join(parts[place + 1 :]))
    return KNOBS[group].get(".".join([*parts[:1], "*", *parts[2:]]))


def _check_knobs(group: str, word: str, node: Mapping[str, Any], prefix: str = "") -> None:
    for key, value in node.items():
        knob = knob_for(group, word, f"{prefix}{key}")
        if knob is not None:
            _check_value(f"{group}.{prefix}{key}", value, knob)
        elif isinstance(value, Mapping):
            _check_knobs(group, word, value, f"{prefix}{key}.")


def _check_value(path: str, value: Any, knob: Knob) -> None:
    if isinstance(value, Deferred) or value is MISSING:
        return
    complaint = knob.complaint(value)
    if complaint is not None:
        instead = knob.suggestion(value)
        hint = f": try {path}={_shown(instead)}" if instead is not None else ""
        raise UserError(f"{path} {complaint}; received {_shown(value)}{hint}")


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{','.join(_shown(item) for item in value)}]"
    return f"'{value}'" if isinstance(value, str) and (not value or " " in value) else str(value)
