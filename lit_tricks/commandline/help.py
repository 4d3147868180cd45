"""The help that fits two screens."""

import textwrap

from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.words import SEARCH, Word, vocabulary

WIDTH = 100
HEIGHT = 100

_HEAD = """\
Trains a network; every choice is a word, every word's details are knobs.

usage: train.py [group=word ...] [+experiment=trick ...] [key=value ...]
"""

_LEGEND = [
    "groups and their words (* is the default; +experiment takes any number: [dropout,batchnorm])",
    "what they do: lit-tricks list GROUP; a trick in full: lit-tricks explain WORD",
]

# Groups give up their sentences in this order: those whose words say by themselves what they are come first.
_FIRST = ("trainer", "optimizer", "init", "scheduler")
_LAST = ("data", "experiment")

_KNOBS = {
    "seed=0": "the run's randomness; the same seed on the same machine gives the same numbers",
    "batch_size=32": "examples per step",
    "batch_factor=1": "multiplies batch_size, and epoch_factor=1 trainer.max_epochs",
    "lr_scaling=none": "linear, sqrt or auto: how optimizer.lr follows the examples of a step",
    "data_dir=DIR": "where data sets lie or are put; also LIT_TRICKS_DATA",
    "resume=DIR": "continue a run that stopped",
    "threads=auto": "processor threads, a number or auto",
    "compile=false": "compile the network with torch.compile",
    "stepping=auto": "steps in stretches between Lightning's hooks; single: one by one",
    "pictures=true": "draw figures at the end; false spares seconds a run in large sweeps",
    "shortcuts=true": "search for a region that alone decides what the network answers",
    "gallery=worst": "the wrong test images that are drawn: those of largest loss, or the first",
    "allow_targets=[]": "your packages that _target_ may name",
}

MOST_NAMED = 30
_EXAMPLES = {
    "train.py +experiment=dropout": "one trick",
    "train.py data=moons model=mlp model.hidden=[64,64] optimizer.lr=0.01": "words and knobs",
    "train.py -m seed=0,1,2 +experiment=baseline,dropout": "a sweep: six runs",
    "train.py -m hydra/sweeper=random 'optimizer.lr=interval(0.001,0.1)'": "a search",
    "train.py --cfg job": "every knob of this choice",
}

_FOOT = "options: -m, --cfg job, --config-dir DIR, --info, --hydra-help; other commands: lit-tricks --help"


def help_text(composer: Composer) -> str:
    """Return usage, groups with their words, knobs and examples, in at most 100 lines of 100 columns.

    Words of subgroups are only named, and of more than 30, such as the lectures' rows, it is said where to find them.
    When there are too many words still, the sentences of whole groups give way, first where words explain themselves,
    last for data and experiments.
    """
    groups = _shelves(vocabulary(composer))
    names = {group: _names(group, words) for group, words in groups.items()}
    shown = {group: names[group] if "/" in group else _sentences(group, words) for group, words in groups.items()}
    tail = ["", "knobs", *_pairs(_KNOBS), "", "examples", *_pairs(_EXAMPLES), "", _FOOT]
    head = [*_HEAD.splitlines(), "", *_LEGEND]
    for victim in sorted(shown, key=_readiness):
        if len(head) + len(tail) + sum(map(len, shown.values())) <= HEIGHT:
            break
        shown[victim] = names[victim]
    return "\n".join([*head, *(line for lines in shown.values() for line in lines), *tail])


def _shelves(groups: dict[str, list[Word]]) -> dict[str, list[Word]]:
    """Return the words of each group and, under a name of their own, those of each of its subgroups."""
    shelves: dict[str, list[Word]] = {}
    for group, words in groups.items():
        for word in words:
            subgroup = word.name.rpartition("/")[0]
            shelves.setdefault(f"{group}/{subgroup}" if subgroup else group, []).append(word)
    return shelves


def _readiness(group: str) -> int:
    if group in _FIRST:
        return _FIRST.index(group)
    return len(_FIRST) + (1 + _LAST.index(group) if group in _LAST else 0)


def _sentences(group: str, words: list[Word]) -> list[str]:
    lines = []
    for index, word in enumerate(words):
        name = f"{word.name}{'*' if word.default else ''}"
        line = f"  {_label(group, words) if index == 0 else '':<14}{name:<15} {word.sentence}".rstrip()
        lines.append(line if len(line) <= WIDTH else f"{line[: WIDTH - 2]} …")
    return lines


def _group(shelf: str) -> str:
    return shelf if shelf == SEARCH else shelf.partition("/")[0]


def _label(shelf: str, words: list[Word]) -> str:
    group = _group(shelf)
    return group if group == SEARCH or any(word.default for word in words) else f"+{group}"


def _names(shelf: str, words: list[Word]) -> list[str]:
    subgroup = shelf.partition("/")[2]
    inner = "" if _group(shelf) == shelf else f"{subgroup}/"
    if inner and len(words) > MOST_NAMED:
        count = f"{len(words)} words, see lit-tricks list {_group(shelf)}"
        return [f"  {_label(shelf, words):<14}{words[0].name} … {words[-1].name.removeprefix(inner)}: {count}"]
    names = ", ".join(f"{word.name.removeprefix(inner)}{'*' if word.default else ''}" for word in words)
    names = f"{inner}{{{names}}}" if inner else names
    first, later = f"  {_label(shelf, words):<14}", " " * 16
    return textwrap.wrap(names, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)


def _pairs(pairs: dict[str, str]) -> list[str]:
    width = max(map(len, pairs)) + 2
    return [f"  {left:<{width}}{right}" for left, right in pairs.items()]
