"""The console command ``lit-tricks``: train, list, explain, evaluate, compare, predict."""

import sys
from collections.abc import Callable, Sequence

from lit_tricks import __version__
from lit_tricks.commandline.startup import uncollected_imports
from lit_tricks.commandline.suggest import did_you_mean
from lit_tricks.errors import UserError

USAGE = """\
usage: lit-tricks COMMAND ...

  train [group=word ...] [key=value ...]
        train, exactly as train.py does; train --help lists the words
  list [group]
        the groups and their words, one sentence each
  explain WORD ...
        what a trick does, when it helps and hurts, its knobs, cost and source
  evaluate run=DIR [split=test] [data_dir=DIR] [data_path=PLACE] [allow_targets=PACKAGE,...]
        a run's test metrics, again, from its checkpoint; where its data lies now, if that moved
  compare DIR [DIR ...] [baseline=GROUP] [metric=test/acc] [output=DIR]
        what helps among many runs, by how much and how surely: tables and a page
  predict run=DIR input=FILE_OR_FOLDER output=FILE.csv [allow_targets=PACKAGE,...]
        class, probability and second choice of new examples

  --version   the version
  --help      this text"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code: 0, 2 for a mistake the user can mend, 130 for Ctrl-C, else 1."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        print(USAGE)
        return 0
    if arguments[0] == "--version":
        print(f"lit-tricks {__version__}")
        return 0
    command, *rest = arguments
    if command == "train":
        from lit_tricks.commandline.entry import main as train

        return train(rest)
    from lit_tricks.commandline.failures import STOPPED, tell

    try:
        _command(command)(rest)
    except KeyboardInterrupt:
        return STOPPED
    except Exception as error:
        return tell(error)
    return 0


def _command(name: str) -> Callable[[list[str]], None]:
    commands = {"list": _list, "explain": _explain, "compare": _compare, "evaluate": _evaluate, "predict": _predict}
    if name not in commands:
        near = did_you_mean(name, ["train", *commands], "lit-tricks ")
        raise UserError(f"lit-tricks has no command '{name}'{near or ': see lit-tricks --help'}")
    return commands[name]


def _list(arguments: list[str]) -> None:
    from lit_tricks.commandline.listing import print_words

    print_words(arguments)


def _explain(arguments: list[str]) -> None:
    from lit_tricks.commandline.cards import explain

    explain(arguments)


def _compare(arguments: list[str]) -> None:
    if not arguments or any(argument in ("--help", "-h") for argument in arguments):
        print(USAGE)
        return
    from lit_tricks.comparison import compare_command

    compare_command(arguments)


def _evaluate(arguments: list[str]) -> None:
    given = _checked("evaluate", arguments)
    with uncollected_imports():
        from lit_tricks.evaluate import evaluate_command

    evaluate_command(given)


def _predict(arguments: list[str]) -> None:
    given = _checked("predict", arguments)
    with uncollected_imports():
        from lit_tricks.predict import predict_command

    predict_command(given)


def _checked(command: str, arguments: list[str]) -> dict[str, str]:
    """Return the arguments once everything about them and the run is checked that needs no torch."""
    pairs = _pairs(command, arguments)
    from lit_tricks.arguments import FORMS, check_split, packages, take
    from lit_tricks.run_directory import RunDirectory
    from lit_tricks.targets import check_all_targets, check_allow_targets

    given = take(pairs, command, *FORMS[command])
    check_split(given.get("split", "test"))
    allowed = check_allow_targets(packages(given.get("allow_targets")))
    run = RunDirectory.open(given["run"])
    run.require_classifier()
    check_all_targets(run.read_config(), allowed)
    run.checkpoint()
    return given


def _pairs(command: str, arguments: list[str]) -> dict[str, str]:
    if any(argument in ("--help", "-h") for argument in arguments):
        print(USAGE)
        raise SystemExit(0)
    pairs: dict[str, str] = {}
    for argument in arguments:
        key, separator, value = argument.partition("=")
        if not separator or not key.isidentifier():
            raise UserError(f"{command} takes key=value arguments; received '{argument}': see lit-tricks --help")
        if key in pairs:
            raise UserError(f"{command} takes {key} once; received it twice")
        pairs[key] = value
    return pairs


if __name__ == "__main__":
    raise SystemExit(main())
