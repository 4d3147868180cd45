"""The words of every group with their one-sentence help, read from the first lines of the YAML files."""

import importlib.resources
from dataclasses import dataclass
from pathlib import Path

from hydra.plugins.config_source import ConfigSource

from lit_tricks.commandline.composition import Composer

ORDER = (
    "data", "model", "init", "transfer", "loss", "penalty", "optimizer", "scheduler", "sampler", "augmentation",
    "trainer", "logger", "callbacks", "study", "experiment",
)  # fmt: skip


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
    groups.sort(key=lambda group: (ORDER.index(group) if group in ORDER else len(ORDER) - 1, group))
    return {
        group: [
            Word(group, name, sentence(composer, group, name), defaults.get(group) == name)
            for name in composer.words(group)
        ]
        for group in groups
    }


def sentence(composer: Composer, group: str, word: str) -> str:
    """Return the help sentence of one word: its file's first comment that is no ``# @package``; empty without one."""
    path = f"{group}/{word}"
    for source in composer.repository.get_sources():
        if source.is_config(path):
            lines = _text(source, path).splitlines()
            first = next((line for line in lines if line.strip() and not line.startswith("# @")), "")
            return first.lstrip("# ").strip() if first.startswith("#") else ""
    return ""


def _text(source: ConfigSource, path: str) -> str:
    if source.scheme() == "pkg":
        package, _, folder = source.path.replace("/", ".").partition(".")
        parts = [*filter(None, folder.split(".")), *f"{path}.yaml".split("/")]
        return importlib.resources.files(package).joinpath(*parts).read_text(encoding="utf-8")
    file_path = Path(source.path, f"{path}.yaml")
    return file_path.read_text(encoding="utf-8") if file_path.is_file() else ""
