"""The words of every group with their one-sentence help, read from the first lines of the YAML files."""

import importlib.resources
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from hydra.plugins.config_source import ConfigSource

from lit_tricks.commandline.composition import Composer
from lit_tricks.groups import DISTINGUISHING

SEARCH = "hydra/sweeper"
ORDER = (*DISTINGUISHING, "trainer", "logger", "callbacks", "study", "experiment", SEARCH)


@dataclass(frozen=True)
class Word:
    """One word of one group."""

    group: str
    name: str
    sentence: str
    default: bool


def vocabulary(composer: Composer) -> dict[str, list[Word]]:
    """Return the words of every group that holds any, the groups in the order of the data's way.

    Folders that the user added to Hydra's search path are included; the first file of a name counts.
    """
    defaults = composer.defaults()
    groups = [group for group in composer.groups() if composer.words(group)]
    groups.sort(key=lambda group: (ORDER.index(group) if group in ORDER else ORDER.index("experiment"), group))
    found = {
        group: [
            Word(group, name, sentence(composer, group, name), defaults.get(group) == name)
            for name in composer.words(group)
        ]
        for group in [*groups, SEARCH]
    }
    # Hydra's own sweepers and those of other packages have no file with a sentence
    return found | {SEARCH: [word for word in found[SEARCH] if word.sentence]}


def sentence(composer: Composer, group: str, word: str) -> str:
    """Return the help sentence of one word: its file's first comment; empty without one."""
    first = next(iter(leading_comment(composer, group, word)), "")
    return first.lstrip("# ").strip()


def leading_comment(composer: Composer, group: str, word: str) -> list[str]:
    """Return the lines of the comment a word's file begins with, ``# @package`` and lines before it left out."""
    path = f"{group}/{word}"
    for source in composer.repository.get_sources():
        if source.is_config(path):
            lines = [line for line in _text(source, path).splitlines() if line.strip() and not line.startswith("# @")]
            return list(takewhile(lambda line: line.startswith("#"), lines))
    return []


def _text(source: ConfigSource, path: str) -> str:
    if source.scheme() == "pkg":
        package, _, folder = source.path.replace("/", ".").partition(".")
        parts = [*filter(None, folder.split(".")), *f"{path}.yaml".split("/")]
        return importlib.resources.files(package).joinpath(*parts).read_text(encoding="utf-8")
    file_path = Path(source.path, f"{path}.yaml")
    return file_path.read_text(encoding="utf-8") if file_path.is_file() else ""
