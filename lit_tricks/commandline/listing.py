"""``lit-tricks list``: the words as a table."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lit_tricks.commandline.options import composer_for, parse_options
from lit_tricks.commandline.suggest import did_you_mean
from lit_tricks.commandline.words import vocabulary
from lit_tricks.errors import UserError


def print_words(arguments: Sequence[str]) -> None:
    """Print the words of the named groups, or of all; ``--config-dir DIR`` adds the user's own.

    Raises ``UserError`` for a group there is not.
    """
    options = parse_options(arguments)
    wanted, options.overrides = options.overrides, []
    groups = vocabulary(composer_for(options))
    for name in wanted:
        if name not in groups:
            near = did_you_mean(name, groups) or ":"
            raise UserError(f"there is no group '{name}'{near} groups: {', '.join(groups)}")
    table = Table("group", "word", "what it does", box=None, pad_edge=False)
    for group in wanted or groups:
        for index, word in enumerate(groups[group]):
            name = f"{word.name} (default)" if word.default else word.name
            table.add_row(group if index == 0 else "", escape(name), escape(word.sentence))
    Console().print(table)
