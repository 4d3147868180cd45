"""Offers the groups of lit_tricks to every Hydra app of the environment, also under a namespace of their own.

Hydra loads this on every start of every app, so it imports nothing heavy.
"""

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin

from lit_tricks.commandline.locate import conf_dir

NAMESPACE = "lit_tricks"
SCHEME = "lit-tricks"


class LitTricksConfigSource(FileConfigSource):
    """Shows each group twice: as ``optimizer``, and as ``lit_tricks/optimizer`` below the node ``lit_tricks``.

    The primary configuration stays hidden, so that an app which misspells its own never gets ours in its place.
    An experiment reached through the namespace sets its values below ``lit_tricks`` too.
    """

    def __init__(self, provider: str, path: str) -> None:
        super().__init__(provider=provider, path=path)
        self.path = str(conf_dir())

    @staticmethod
    def scheme() -> str:
        """Return the scheme by which the search path names this source."""
        return SCHEME

    def available(self) -> bool:
        """Return whether the groups were found."""
        return conf_dir().is_dir()

    def is_group(self, config_path: str) -> bool:
        """Return whether the path is the root, the namespace or a group with or without it."""
        return super().is_group(_strip(config_path))

    def is_config(self, config_path: str) -> bool:
        """Return whether the path is a word of a group."""
        inner = _strip(config_path)
        return "/" in inner and super().is_config(inner)

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """List groups and words below a path; the root shows the namespace beside the groups."""
        if config_path in ("", NAMESPACE):
            if results_filter == ObjectType.CONFIG:
                return []
            groups = super().list("", ObjectType.GROUP)
            return groups if config_path else sorted([*groups, NAMESPACE])
        return super().list(_strip(config_path), results_filter)

    def load_config(self, config_path: str) -> ConfigResult:
        """Load a word; its package follows the path by which it was asked for."""
        inner = _strip(config_path)
        result = super().load_config(inner)
        if inner != config_path and result.header["package"] == "_global_":
            result.header["package"] = NAMESPACE
        return result


class LitTricksSearchPathPlugin(SearchPathPlugin):
    """Appends the groups behind the app's own, which therefore win where names meet."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the source once."""
        search_path.append(provider=NAMESPACE, path=f"{SCHEME}://")


def _strip(config_path: str) -> str:
    """Return the path without the namespace."""
    if config_path == NAMESPACE:
        return ""
    return config_path.removeprefix(f"{NAMESPACE}/")
