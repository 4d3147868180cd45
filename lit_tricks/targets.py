"""Which classes a configuration may name in ``_target_``: an allow-list, checked before anything is built.

A configuration may come from a stranger, inside a run directory: naming something must never be enough to run it.
So of the known packages, this one included, only public classes count, never functions, which would run with
arguments of the stranger's choice. The check by name needs no import and runs on the command line; ``resolve``
imports and looks at what the name really leads to, because a module's attributes reach far beyond the module
(``torch.nn.modules.module.os``).
"""

import importlib
import inspect
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from omegaconf import DictConfig, OmegaConf, read_write
from omegaconf.errors import OmegaConfBaseException

from lit_tricks.allow_list import CLASSICAL, FOREIGN, HOMES, NAMED, OWN_PACKAGE, ROOMS
from lit_tricks.commandline.suggest import did_you_mean
from lit_tricks.errors import UserError

_DOTTED = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\Z")


def check_allow_targets(packages: Any) -> tuple[str, ...]:
    """Return the user's further packages; raise ``UserError`` for anything but dotted names of no standard module."""
    if isinstance(packages, str) or not isinstance(packages, Sequence):
        raise UserError(f"allow_targets must be a list; received {packages!r}: try allow_targets=[my_package]")
    for package in packages:
        if not isinstance(package, str) or not _DOTTED.match(package):
            raise UserError(f"allow_targets must hold dotted package names; received {package!r}: try my_package")
        if package.partition(".")[0] in sys.stdlib_module_names:
            raise UserError(f"allow_targets never admits Python's standard library; received {package!r}: remove it")
        if package.partition(".")[0] in FOREIGN:
            raise UserError(
                f"allow_targets takes packages of your own; received {package!r}: remove it and name a class of "
                f"{', '.join(ROOMS[:2])}, torch.nn, torch.optim … or one that you define"
            )
    return tuple(packages)


def is_allowed(path: str, packages: Iterable[str] = ()) -> bool:
    """Return whether a dotted path may lead to something allowed, by whole components and without import.

    Below a package in ``packages`` any name may; below the known ones it must look like that of a public class.
    """
    if not _DOTTED.match(path) or any(part.startswith("__") for part in path.split(".")):
        return False
    return _below(path, packages) or (_below(path, NAMED) and _looks_like_a_class(path))


def is_classical(target: Any) -> bool:
    """Return whether a model's ``_target_`` is fitted at once, by scikit-learn, instead of trained in steps."""
    return isinstance(target, str) and _below(target, CLASSICAL)


def _looks_like_a_class(path: str) -> bool:
    *modules, name = path.split(".")
    return name[0].isupper() and not any(part.startswith("_") or part[0].isupper() for part in modules)


def check_target(path: Any, where: str, packages: Iterable[str] = ()) -> None:
    """Raise ``UserError`` unless ``path`` is allowed by name; ``where`` is its place in the configuration."""
    if not isinstance(path, str) or not _DOTTED.match(path):
        raise UserError(f"{where} must be the dotted path of a class; received {path!r}: write it as package.Class")
    if is_allowed(path, packages):
        return
    package = path.partition(".")[0]
    if _below(path, NAMED):
        raise UserError(f"{where} must name a public class; received '{path}': write it as {package}.….Class")
    if package in sys.stdlib_module_names or package in FOREIGN:
        known = f"{', '.join(ROOMS[:2])}, torch.nn, torch.optim and the like"
        raise UserError(f"{where} may not name '{path}': allowed are the public classes of {known}")
    raise UserError(f"{where}: '{path}' is not on the allow-list: if you trust it, add allow_targets=[{package}]")


def find_targets(node: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the place and value of every ``_target_`` in nested mappings and lists."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            place = f"{where}.{key}" if where else str(key)
            if key == "_target_":
                yield place, value
            yield from find_targets(value, place)
    elif isinstance(node, Sequence) and not isinstance(node, str | bytes):
        for index, value in enumerate(node):
            yield from find_targets(value, f"{where}[{index}]")


def check_all_targets(node: Any, packages: Iterable[str] = (), where: str = "") -> None:
    """Raise ``UserError`` for the first ``_target_`` anywhere in ``node`` that is not allowed by name."""
    allowed = tuple(packages)
    for place, target in find_targets(node, where):
        check_target(target, place, allowed)


def check_targets(config: DictConfig) -> None:
    """Raise ``UserError`` unless every ``_target_`` of a whole configuration really leads to something allowed.

    This imports the named modules, user packages in ``allow_targets`` included, but builds nothing. Interpolations
    in ``config`` are replaced by their values, in place: one that is resolved later might say something else then.
    """
    try:
        with read_write(config):
            OmegaConf.resolve(config)
    except OmegaConfBaseException as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"every ${{…}} of a configuration must lead to a value; {reason}: write the value") from error
    content = OmegaConf.to_container(config, resolve=False)
    _check_settled(content)
    packages = check_allow_targets(config.get("allow_targets") or [])
    check_all_targets(content, packages)
    if packages and os.getcwd() not in sys.path:
        # a console script does not look into the folder that the user stands in
        sys.path.append(os.getcwd())
    for place, target in find_targets(content):
        resolve(target, packages, place)


def _check_settled(node: Any) -> None:
    """Refuse text that would be resolved once more, such as an escaped interpolation."""
    if isinstance(node, Mapping):
        for value in node.values():
            _check_settled(value)
    elif isinstance(node, list):
        for value in node:
            _check_settled(value)
    elif isinstance(node, str) and "${" in node:
        raise UserError(f"a configuration's values may not hold '${{' once resolved; received {node!r}: remove it")


def resolve(path: str, packages: Iterable[str] = (), where: str = "_target_") -> Any:
    """Import what an allowed path names and return it, once its real home proves to be allowed too.

    Returns:
        A class defined below a known name or in one of ``packages``, or a function defined in one of ``packages``.

    Raises:
        UserError: the path is not allowed, cannot be imported, or leads to something defined elsewhere.
    """
    packages = tuple(packages)
    check_target(path, where, packages)
    found = _import(path, where)
    home = str(getattr(found, "__module__", None))
    users = _below(path, packages)
    if inspect.isfunction(found) and users and _below(home, packages):
        return found
    if not inspect.isclass(found):
        defined = f" defined in '{home}'" if inspect.isroutine(found) else ""
        raise UserError(f"{where} must name a class; '{path}' is a {type(found).__name__}{defined}: name a class")
    homes = ROOMS if _below(path, (OWN_PACKAGE,)) else HOMES
    if not _below(home, (*homes, *packages) if users else homes):
        raise UserError(
            f"{where}: '{path}' is defined in '{home}', which is not on the allow-list: name a class of its own"
        )
    return found


def _import(path: str, where: str) -> Any:
    parts = path.split(".")
    try:
        found: Any = importlib.import_module(parts[0])
    except ImportError as error:
        raise UserError(f"{where}: cannot import '{parts[0]}': {error}; is it installed or on PYTHONPATH?") from error
    for index, part in enumerate(parts[1:], start=2):
        package = ".".join(parts[: index - 1])
        if not hasattr(found, part) and isinstance(found, ModuleType) and found.__name__ == package:
            try:
                importlib.import_module(".".join(parts[:index]))
            except ModuleNotFoundError as error:
                if error.name != ".".join(parts[:index]):
                    raise UserError(f"{where}: importing '{path}' failed: {error}") from error
        if not hasattr(found, part):
            known = [name for name in dir(found) if not name.startswith("_")]
            raise UserError(f"{where}: '{package}' has no '{part}'{did_you_mean(part, known)}")
        found = getattr(found, part)
    return found


def _below(path: str, names: Iterable[str]) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in names)
