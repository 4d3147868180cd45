"""The dashed options of the command line, as Hydra understands them."""

import argparse
import os
from collections.abc import Sequence

from hydra._internal.utils import get_args_parser

from lit_tricks.commandline.aliases import ALIASES
from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.commandline.ranges import KNOBS, TOP
from lit_tricks.commandline.suggest import did_you_mean, nearest
from lit_tricks.errors import UserError

CONFIG_NAME = "config"

# Short for what Hydra calls these, long for the message.
_KNOWN = [
    "--help", "--hydra-help", "--version", "--cfg", "--resolve", "--package", "--run", "--multirun",
    "--shell-completion", "--config-path", "--config-name", "--config-dir", "--info",
]  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Return Hydra's own parser."""
    return get_args_parser()


def parse_options(argv: Sequence[str]) -> argparse.Namespace:
    """Parse options and overrides; folders become absolute, read from the working directory.

    Raises ``UserError`` for an option that Hydra does not have, and ``SystemExit`` as argparse does.
    """
    options, unknown = parser().parse_known_intermixed_args(list(argv))
    for option in unknown:
        if "=" in option.strip("-"):
            key, _, value = option.strip("-").partition("=")
            name = key.replace("-", "_")
            # the parts of a study have names of their own
            inner = [f"{group}.{key}" for group, table in KNOBS.items() for key in table if group != "study"]
            keys = [*KNOBS, *TOP, *inner]
            known = ALIASES.get(name) or nearest(name, keys) or name
            raise UserError(
                f"a choice has no dashes; received '{option}': try {known if '=' in known else f'{known}={value}'}"
            )
        raise UserError(f"unknown option '{option}'{did_you_mean(option, _KNOWN) or ': see --help'}")
    for argument in argv:
        # argparse takes the beginning of a long option for the whole of it
        if argument.startswith("--experiment="):
            word = argument.partition("=")[2]
            raise UserError(f"a choice has no dashes; received '{argument}': try +experiment={word}")
    if options.experimental_rerun is not None:
        raise UserError("--experimental-rerun needs Hydra's pickles, which are not written: use resume=DIR")
    if options.config_dir is not None:
        options.config_dir = os.path.abspath(options.config_dir)
        if not os.path.isdir(options.config_dir):
            raise UserError(f"--config-dir must be a folder; {options.config_dir} is none")
    if options.config_path is None:
        options.config_path = str(conf_dir())
    elif "://" not in options.config_path:
        options.config_path = os.path.abspath(options.config_path)
        if not os.path.isdir(options.config_path):
            raise UserError(f"--config-path must be a folder; {options.config_path} is none")
    options.config_name = options.config_name or CONFIG_NAME
    return options


def composer_for(options: argparse.Namespace) -> Composer:
    """Return the composer of the search path that the options name.

    Raises ``UserError`` for an override that is none, with the choice that a word on its own would be.
    """
    path, name, folder = options.config_path, options.config_name, options.config_dir
    for text in options.overrides:
        if "=" not in text and not text.startswith("~"):
            composer = Composer(path, name, folder)
            words = {word: group for group in composer.groups() for word in composer.words(group)}
            match = nearest(text, words)
            group = "" if match is None else words[match]
            remedy = f": did you mean {'+' * (group == 'experiment')}{group}={match}?" if match else ""
            raise UserError(f"each argument is a group=word or a key=value; received '{text}'{remedy}")
    return Composer(path, name, folder, options.overrides)
