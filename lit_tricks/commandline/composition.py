"""One command line composed by Hydra's own rules, in steps that can be checked one by one."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository, IConfigRepository
from hydra._internal.defaults_list import create_defaults_list
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.default_element import ResultDefault
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.utils import setup_globals
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from lit_tricks.errors import UserError

VERSION_BASE = "1.3"
NAMESPACE = "lit_tricks"


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what Hydra, OmegaConf and YAML raise while composing into one ``UserError``."""
    try:
        yield
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{mark.name}, line {mark.line + 1}" if mark else "a configuration file"
        raise UserError(f"cannot read {place}: {error.problem or error}") from error
    except MissingConfigException as error:
        raise UserError(_without_search_path(str(error))) from error
    except (HydraException, OmegaConfBaseException, ValueError, KeyError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(_one_message(error)) from error


def _one_message(error: BaseException) -> str:
    texts = [str(error).strip()]
    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException):
        texts.append(str(cause).strip())
    return ": ".join(" ".join(text.split()) for text in texts if text) or type(error).__name__


def _without_search_path(message: str) -> str:
    return " ".join(message.split("\nConfig search path:")[0].split())


@dataclass(frozen=True)
class Composed:
    """What one command line composes to, before its ``key=value`` overrides are applied.

    Attributes:
        config: the whole configuration, Hydra's node included.
        choices: the word chosen for each group, also by experiments; overlays as ``experiment``.
        values: the ``key=value`` overrides, in their order.
    """

    config: DictConfig
    choices: dict[str, Any]
    values: list[Override]

    def apply(self, override: Override) -> None:
        """Set one ``key=value`` override."""
        with plain_errors():
            ConfigLoaderImpl._apply_overrides_to_config([override], self.config)


class _Loader(ConfigLoaderImpl):
    """Lets one cached file be composed many times: what lands at the root unwrapped is copied first."""

    def _load_single_config(self, default: ResultDefault, repo: IConfigRepository) -> ConfigResult:
        result = super()._load_single_config(default, repo)
        if not default.package:
            result = copy.copy(result)
            result.config = copy.deepcopy(result.config)
        return result


def search_path(config_path: str, config_dir: str | None = None) -> ConfigSearchPath:
    """Return where configurations are looked for: the user's ``config_dir``, ``config_path``, plugins, Hydra."""
    found = create_config_search_path(config_path)
    if config_dir is not None:
        anchor = SearchPathQuery(provider="schema", path=None)
        found.prepend(provider="command-line", path=f"file://{config_dir}", anchor=anchor)
    return found


class Composer:
    """The search path of one command line: its groups, their words, and what they compose to.

    Args:
        config_path: absolute folder or ``pkg://`` path of the primary configuration.
        config_name: name of the primary configuration.
        config_dir: a further folder that the user adds, or None.
        overrides: the command line's overrides; ``hydra.searchpath`` among them takes effect.
    """

    def __init__(
        self,
        config_path: str,
        config_name: str = "config",
        config_dir: str | None = None,
        overrides: Sequence[str] = (),
    ) -> None:
        version.setbase(VERSION_BASE)
        setup_globals()
        self.config_name = config_name
        self._loader = _Loader(config_search_path=search_path(config_path, config_dir))
        parser = OverridesParser.create(config_loader=self._loader)
        self.overrides = [_parse(parser, text) for text in overrides]
        self._parser = parser
        with plain_errors():
            self._loader.ensure_main_config_source_available()
            repository = CachingConfigRepository(self._loader.repository)
            self._loader._process_config_searchpath(config_name, self.overrides, repository)
        self.repository = repository
        self._defaults: dict[str, Any] | None = None
        self._own: dict[tuple[str, str, tuple[str, ...]], DictConfig] = {}

    def parse(self, text: str) -> Override:
        """Parse one override by Hydra's grammar."""
        return _parse(self._parser, text)

    def groups(self) -> list[str]:
        """Return the groups on the search path, without Hydra's own and without the namespace for other apps."""
        names = self.repository.get_group_options("", ObjectType.GROUP)
        return [name for name in names if name not in ("hydra", NAMESPACE)]

    def is_group(self, name: str) -> bool:
        """Return whether a name such as ``optimizer`` or ``experiment/lecture`` is a group."""
        return bool(name) and self.repository.group_exists(name)

    def words(self, group: str) -> list[str]:
        """Return the words of a group, those of its subgroups as ``subgroup/word``; hidden ones start with ``_``."""
        found = [word for word in self.repository.get_group_options(group) if not word.startswith("_")]
        for subgroup in self.repository.get_group_options(group, ObjectType.GROUP):
            found += [f"{subgroup}/{word}" for word in self.words(f"{group}/{subgroup}")]
        return found

    def defaults(self) -> dict[str, Any]:
        """Return the word of each group that the primary configuration chooses by itself."""
        if self._defaults is None:
            with plain_errors():
                defaults = create_defaults_list(self.repository, self.config_name, [], True, True)
            choices = defaults.overrides.known_choices
            self._defaults = {group: word for group, word in choices.items() if not group.startswith("hydra/")}
        return self._defaults

    def compose(self, overrides: Sequence[Override]) -> Composed:
        """Choose the words; ``key=value`` overrides wait in the result. Sweeps are left out."""
        with plain_errors():
            defaults = create_defaults_list(self.repository, self.config_name, list(overrides), True, False)
            config = self._loader._compose_config_from_defaults_list(defaults.defaults, self.repository)
        OmegaConf.set_struct(config, True)
        OmegaConf.set_readonly(config.hydra, False)
        return Composed(config, dict(defaults.overrides.known_choices), defaults.config_overrides)

    def own(self, group: str, word: str, choices: Mapping[str, Any] | None = None) -> DictConfig:
        """Return what one word says by itself: the node of its group, or the root for an overlay.

        A word that holds words of other groups, as studies do, holds those that ``choices`` of a whole configuration
        name.
        """
        inner = tuple(f"{key}={value}" for key, value in (choices or {}).items() if f"@{group}." in key)
        if (group, word, inner) not in self._own:
            with plain_errors():
                overlay = self._overlay(group, word)
                # an overlay that only chooses words is empty, but an overlay
                self._own[group, word, inner] = self._alone(group, word, inner) if overlay is None else overlay
        return self._own[group, word, inner]

    def _overlay(self, group: str, word: str) -> DictConfig | None:
        """Return the file of a word that speaks to the root; it cannot be composed without what it overrides."""
        result = self.repository.load_config(f"{group}/{word}")
        if result is None or result.header.get("package") != "_global_":
            return None
        return result.config if isinstance(result.config, DictConfig) else OmegaConf.create({})

    def _alone(self, group: str, word: str, inner: Sequence[str]) -> DictConfig:
        chosen = [self.parse(text) for text in inner]
        defaults = create_defaults_list(self.repository, f"{group}/{word}", chosen, False, False)
        config = self._loader._compose_config_from_defaults_list(defaults.defaults, self.repository)
        node = OmegaConf.select(config, group.replace("/", "."))
        return node if isinstance(node, DictConfig) else config


def _parse(parser: OverridesParser, text: str) -> Override:
    try:
        override = parser.parse_override(text)
        # Hydra sets this in parse_overrides only, where one bad line hides which it was
        override.config_loader = parser.config_loader
        return override
    except (OverrideParseException, HydraException) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"cannot read '{text}': {reason}; quote special characters, for example 'key=\"a b\"'"
        ) from error
