"""Method cards: how a leading comment is read, that every trick has a whole one, and ``lit-tricks explain``."""

from pathlib import Path

import pytest

from lit_tricks.cli import main
from lit_tricks.commandline.cards import FIELDS, REQUIRED, card, read_fields, tricks
from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.locate import conf_dir

COMPOSER = Composer(str(conf_dir()))
TRICKS = tricks(COMPOSER)


def test_fields_are_read_from_a_comment() -> None:
    comment = [
        "# One sentence: with a colon",
        "#",
        "# What: the loss gains l1 · Σ|w|:",
        "#   Source: stands further in and belongs to the text.",
        "# Not with: ema.",
        "#",
        "# Other: no field.",
    ]
    assert read_fields(comment) == {
        "What": "the loss gains l1 · Σ|w|: Source: stands further in and belongs to the text.",
        "Not with": "ema. Other: no field.",
    }
    assert read_fields(["# only a sentence"]) == {}


def test_tricks_are_words_that_change_something() -> None:
    assert {("experiment", "dropout"), ("optimizer", "adam"), ("init", "zeros")} <= set(TRICKS)
    assert not {("experiment", "baseline"), ("scheduler", "none"), ("data", "digits")} & set(TRICKS)
    assert not [name for _, name in TRICKS if name.startswith("lecture/")]


@pytest.mark.parametrize(("group", "name"), TRICKS, ids=[f"{group}={name}" for group, name in TRICKS])
def test_every_trick_has_a_whole_card(group: str, name: str) -> None:
    found = card(COMPOSER, group, name)
    assert found.sentence
    assert set(REQUIRED) <= found.fields.keys(), f"{group}={name} needs {set(REQUIRED) - found.fields.keys()}"
    assert list(found.fields) == [field for field in FIELDS if field in found.fields], "the fields have an order"
    assert all(text for text in found.fields.values())


def test_explain_prints_cards_without_torch_and_finds_words_of_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "ema"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "+experiment=ema Validates and keeps a moving average" in shown
    assert "a ← d · a + (1 - d) · w" in shown
    assert main(["explain", "optimizer=adam", "+experiment=l1"]) == 0
    shown = capsys.readouterr().out
    assert "optimizer=adam" in shown
    assert "+experiment=l1" in shown
    assert "penalty=l1" not in shown
    assert main(["explain", "l1"]) == 0
    assert "penalty=l1" in capsys.readouterr().out


def test_explain_knows_the_users_own_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "optimizer").mkdir()
    (tmp_path / "optimizer" / "mine.yaml").write_text("# Mine\n#\n# What: steps.\n_target_: torch.optim.SGD\n")
    assert main(["explain", "mine", "--config-dir", str(tmp_path)]) == 0
    assert "What: steps." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "explain needs a word; received none"),
        (["dropot"], "there is no word 'dropot': did you mean dropout?"),
        (["optimiser=adam"], "there is no group 'optimiser': did you mean optimizer?"),
        (["optimizer=rmsprp"], "there is no word 'rmsprp': did you mean rmsprop?"),
    ],
)
def test_mistakes(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *arguments]) == 2
    assert message in capsys.readouterr().err
