"""The README says what is there."""

import re
import shlex
from pathlib import Path

from benchmarks.readme import README, put, words

REPOSITORY = Path(__file__).resolve().parents[1]


def test_the_table_of_words_is_the_generated_one() -> None:
    text = README.read_text(encoding="utf-8")
    assert "`dropout`" in text
    assert put(text, "words", words()) == text, "run python -m benchmarks.readme"


def test_the_figures_were_generated() -> None:
    assert re.search(r"<!-- measured -->\nTest accuracy 0\.9\d\d ± 0\.\d{3} over 5 seeds", README.read_text("utf-8"))


def test_linked_files_exist() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (REPOSITORY / link).is_file(), link


def test_every_command_of_the_readme_composes() -> None:
    from lit_tricks.commandline.strict import check_command_line

    lines = [line.split("#")[0].strip() for line in README.read_text(encoding="utf-8").splitlines()]
    commands = [
        shlex.split(line)[2:] for line in lines if line.startswith("python train.py") and "runs/RUN" not in line
    ]
    assert len(commands) >= 4
    for command in commands:
        check_command_line(command)
