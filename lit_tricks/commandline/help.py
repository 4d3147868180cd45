"""The help that fits two screens."""

import textwrap

from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.words import Word, vocabulary

WIDTH = 100
HEIGHT = 100

_HEAD = """\
Trains a network; every choice is a word, every word's details are knobs.

usage: train.py [group=word ...] [+experiment=trick ...] [key=value ...]
"""

_LEGEND = "groups and their words (* is the default; +experiment takes any number: [dropout,batchnorm])"

# Groups whose words say by themselves what they are: their sentences give way first.
_PLAIN = ("trainer", "optimizer", "init", "scheduler")

_KNOBS = {
    "seed=0": "the run's randomness; the same seed on the same machine gives the same numbers",
    "batch_size=32": "examples per step",
    "data_dir=DIR": "where data sets lie or are put; also LIT_TRICKS_DATA",
    "resume=DIR": "continue a run that stopped",
    "threads=auto": "processor threads, a number or auto",
    "compile=false": "compile the network with torch.compile",
    "stepping=auto": "steps in stretches between Lightning's hooks; single: one by one",
    "allow_targets=[]": "your packages that _target_ may name",
}

_EXAMPLES = {
    "train.py +experiment=dropout": "one trick",
    "train.py data=moons model=mlp model.hidden=[64,64] optimizer.lr=0.01": "words and knobs",
    "train.py -m seed=0,1,2 +experiment=baseline,dropout": "a sweep: six runs",
    "train.py --cfg job": "every knob of this choice",
    "lit-tricks list optimizer": "one group's words",
}

_FOOT = "options: -m, --cfg job, --config-dir DIR, --info, --hydra-help; other commands: lit-tricks --help"


def help_text(composer: Composer) -> str:
    """Return usage, groups with their words, knobs and examples, in at most 100 lines of 100 columns.

    When there are too many words, the sentences of groups give way, those first whose words explain themselves:
    the smallest that makes enough room, or else the largest and then a further one. Every word is still named.
    """
    groups = vocabulary(composer)
    shown = {group: _sentences(group, words) for group, words in groups.items()}
    names = {group: _names(group, words) for group, words in groups.items()}
    tail = ["", "knobs", *_pairs(_KNOBS), "", "examples", *_pairs(_EXAMPLES), "", _FOOT]
    head = [*_HEAD.splitlines(), "", _LEGEND]
    while (excess := len(head) + len(tail) + sum(map(len, shown.values())) - HEIGHT) > 0:
        savings = {group: len(shown[group]) - len(names[group]) for group in groups}
        savings = {group: lines for group, lines in savings.items() if lines > 0}
        savings = {group: lines for group, lines in savings.items() if group in _PLAIN} or savings
        if not savings:
            break
        enough = [group for group, lines in savings.items() if lines >= excess]
        victim = min(enough or [max(savings, key=savings.__getitem__)], key=savings.__getitem__)
        shown[victim] = names[victim]
    return "\n".join([*head, *(line for lines in shown.values() for line in lines), *tail])


def _sentences(group: str, words: list[Word]) -> list[str]:
    lines = []
    for index, word in enumerate(words):
        name = f"{word.name}{'*' if word.default else ''}"
        line = f"  {_label(group, words) if index == 0 else '':<13}{name:<16} {word.sentence}".rstrip()
        lines.append(line if len(line) <= WIDTH else f"{line[: WIDTH - 2]} …")
    return lines


def _label(group: str, words: list[Word]) -> str:
    return group if any(word.default for word in words) else f"+{group}"


def _names(group: str, words: list[Word]) -> list[str]:
    names = ", ".join(f"{word.name}{'*' if word.default else ''}" for word in words)
    first, later = f"  {_label(group, words):<13}", " " * 15
    text = f"{names} (sentences: lit-tricks list {group})"
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)


def _pairs(pairs: dict[str, str]) -> list[str]:
    width = max(map(len, pairs)) + 2
    return [f"  {left:<{width}}{right}" for left, right in pairs.items()]
