"""Method cards: the leading comment of a word's file, read field by field."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.options import composer_for, parse_options
from lit_tricks.commandline.suggest import did_you_mean
from lit_tricks.commandline.words import leading_comment, sentence
from lit_tricks.errors import UserError

# in this order
REQUIRED = ("What", "Helps", "Hurts", "Knobs", "Cost", "Source")
FIELDS = ("What", "Helps", "Hurts", "Knobs", "Cost", "Stacks", "Not with", "Source")
# the groups whose words are tricks; data, models and machines are what tricks are used on
TRICK_GROUPS = ("experiment", "loss", "init", "penalty", "optimizer", "scheduler", "sampler", "augmentation")


@dataclass(frozen=True)
class Card:
    """What a word's file says about its trick.

    Attributes:
        group: such as ``experiment`` or ``optimizer``.
        name: the word; one of a subgroup is ``subgroup/word``.
        sentence: the help sentence.
        fields: of ``FIELDS`` those that the comment has, each in one paragraph; empty for a file without a card.
    """

    group: str
    name: str
    sentence: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def override(self) -> str:
        """The word as the command line takes it."""
        return f"+experiment={self.name}" if self.group == "experiment" else f"{self.group}={self.name}"


def card(composer: Composer, group: str, name: str) -> Card:
    """Return the card of one word."""
    return Card(group, name, sentence(composer, group, name), read_fields(leading_comment(composer, group, name)))


def read_fields(comment: Iterable[str]) -> dict[str, str]:
    """Return the fields of a leading comment; lines before the first field belong to none."""
    found: dict[str, list[str]] = {}
    current = None
    for line in comment:
        text = line.lstrip("#").strip()
        name, colon, rest = text.partition(":")
        # a field starts one space from the hash, its further lines three
        if colon and name in FIELDS and not line.startswith("#  "):
            current, text = name, rest.strip()
            found[current] = []
        if current is not None and text:
            found[current].append(text)
    return {name: " ".join(lines) for name, lines in found.items()}


def tricks(composer: Composer) -> list[tuple[str, str]]:
    """Return group and name of every word that is a trick: no lecture row, and none that changes nothing."""
    return [
        (group, name)
        for group in TRICK_GROUPS
        if group in composer.groups()
        for name in composer.words(group)
        if name not in ("none", "baseline") and not name.startswith("lecture/")
    ]


def explain(arguments: Sequence[str]) -> None:
    """Print the cards of the words given as ``dropout``, ``optimizer=adam`` or ``+experiment=dropout``.

    ``--config-dir DIR`` adds the user's own words. Raises ``UserError`` without a word, and for one there is not.
    """
    from rich.console import Console
    from rich.padding import Padding

    options = parse_options(arguments)
    wanted, options.overrides = options.overrides, []
    if not wanted:
        raise UserError("explain needs a word; received none: try lit-tricks explain dropout")
    composer = composer_for(options)
    console = Console(highlight=False)
    for each in [found for text in wanted for found in _find(composer, text)]:
        console.print(f"[bold]{each.override}[/bold]  {each.sentence}", markup=True)
        for name, text in each.fields.items():
            console.print(Padding(f"{name}: {text}", (0, 0, 0, 2)), markup=False)
        console.print()


def _find(composer: Composer, text: str) -> Iterator[Card]:
    group, equals, name = text.lstrip("+").rpartition("=")
    groups = [group] if equals else composer.groups()
    if group and not composer.is_group(group):
        raise UserError(f"there is no group '{group}'{did_you_mean(group, composer.groups())}")
    matches = [
        (each, word) for each in groups for word in composer.words(each) if name in (word, word.rpartition("/")[2])
    ]
    if not matches:
        known = [word for each in groups for word in composer.words(each)]
        near = did_you_mean(name, known) or ": lit-tricks list shows all"
        raise UserError(f"there is no word '{name}'{near}")
    for each, word in matches:
        yield card(composer, each, word)
