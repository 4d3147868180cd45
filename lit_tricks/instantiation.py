"""From one configuration node to one object, handing it what it asks for by name."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from lit_tricks.errors import UserError


def build_node(node: Any, what: str, **offered: Any) -> Any:
    """Instantiate one configuration node, handing it those of ``offered`` that its target asks for by name.

    A value that the node sets itself wins over an offered one. Targets must have been checked before.
    Raises ``UserError`` when the target cannot be built; the target's own ``UserError`` passes through.
    """
    return call_with_offers(partial_node(node, what), what, offered)


def partial_node(node: Any, what: str) -> partial[Any]:
    """Return the node's target with the node's keys bound; raises ``UserError`` when that fails."""
    try:
        return instantiate(node, _partial_=True, _convert_="all")
    except InstantiationException as error:
        raise _user_error(error, what) from error


def call_with_offers(factory: Callable[..., Any], what: str, offered: dict[str, Any]) -> Any:
    """Call ``factory`` with the offers its signature names; errors of its arguments become ``UserError``."""
    try:
        return factory(**_wanted(factory, offered))
    except UserError:
        raise
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise UserError(f"{what} must accept its keys; it said: {error}: check {what}.* and try again") from error


def _user_error(error: InstantiationException, what: str) -> UserError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UserError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return UserError(f"{what} must be buildable; {str(error).splitlines()[0]}: check {what}._target_ and its keys")


def _wanted(factory: Callable[..., Any], offered: dict[str, Any]) -> dict[str, Any]:
    given = factory.keywords if isinstance(factory, partial) else {}
    target = factory.func if isinstance(factory, partial) else factory
    accepted = _parameter_names(target)
    return {name: value for name, value in offered.items() if name in accepted and name not in given}


def _parameter_names(target: Any) -> set[str]:
    """Names of parameters, looking into a base class for as long as ``**kwargs`` hands them on."""
    if not isinstance(target, type):
        return set(inspect.signature(target).parameters)
    names: set[str] = set()
    for cls in target.__mro__:
        if "__init__" not in vars(cls):
            continue
        parameters = inspect.signature(vars(cls)["__init__"]).parameters
        names.update(parameters)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return names - {"self"}
