"""Words, their sentences, the help and the table."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lit_tricks.arguments import FORMS
from lit_tricks.cli import main as cli
from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.help import HEIGHT, WIDTH, help_text
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.commandline.words import ORDER, SEARCH, vocabulary

COMPOSER = Composer(str(conf_dir()))
GROUPS = vocabulary(COMPOSER)
WORDS = [word for words in GROUPS.values() for word in words]


def test_the_groups_come_in_the_order_of_the_datas_way() -> None:
    assert tuple(GROUPS) == ORDER


@pytest.mark.parametrize("word", WORDS, ids=lambda word: f"{word.group}={word.name}")
def test_every_word_has_a_sentence_that_fits_one_line(word: object) -> None:
    sentence = word.sentence  # type: ignore[attr-defined]
    assert 8 <= len(sentence) <= 70
    assert "@package" not in sentence


def test_one_word_of_each_group_is_the_default_and_none_of_the_overlays() -> None:
    for group, words in GROUPS.items():
        assert sum(word.default for word in words) == (0 if group in ("experiment", SEARCH) else 1), group


def test_hidden_files_are_no_words() -> None:
    assert "_base" not in [word.name for word in GROUPS["trainer"]]
    assert (conf_dir() / "trainer" / "_base.yaml").is_file()


def test_the_help_names_every_word_on_two_screens() -> None:
    lines = help_text(COMPOSER).splitlines()
    assert len(lines) <= HEIGHT
    assert max(map(len, lines)) <= WIDTH
    tokens = re.split(r"[\s,*{}]+", help_text(COMPOSER))
    named = [word.name for word in WORDS if not word.name.startswith("lecture/")]
    assert [name for name in named if name.rpartition("/")[2] not in tokens] == []
    count = len(WORDS) - len(named)
    assert f"lecture/a10_wrong_images … g6_homework: {count} words, see lit-tricks list experiment" in help_text(
        COMPOSER
    )


def test_the_help_marks_defaults_and_gives_sentences() -> None:
    text = help_text(COMPOSER)
    assert "digits*" in text
    for word in GROUPS["experiment"]:
        assert "/" in word.name or word.sentence in text


def test_a_hundred_experiments_still_fit(tmp_path: Path) -> None:
    (tmp_path / "experiment" / "lecture").mkdir(parents=True)
    for number in range(100):
        text = f"# @package _global_\n# The lecture's run number {number}\nseed: {number}\n"
        (tmp_path / "experiment" / "lecture" / f"a{number}.yaml").write_text(text)
    composer = Composer(str(conf_dir()), config_dir=str(tmp_path))
    lines = help_text(composer).splitlines()
    assert len(lines) <= HEIGHT
    assert max(map(len, lines)) <= WIDTH
    assert "words, see lit-tricks list experiment" in " ".join(lines)
    found = {word.name: word.sentence for word in vocabulary(composer)["experiment"]}
    assert found["lecture/a7"] == "The lecture's run number 7"


def test_the_table_lists_one_group_or_all(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert cli(["list", "optimizer"]) == 0
    one = capsys.readouterr().out
    assert "adam (default)" in one
    assert "Adam with decoupled weight decay" in one
    assert "mlp" not in one
    assert cli(["list"]) == 0
    everything = capsys.readouterr().out
    for word in WORDS:
        assert word.name in everything
        assert word.sentence in everything


def test_a_users_words_are_listed_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "tiny.yaml").write_text("# My very own network\n_target_: my_net.Tiny\n")
    assert cli(["list", "model", "--config-dir", str(tmp_path)]) == 0
    assert "My very own network" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["lst"], "lit-tricks has no command 'lst': did you mean lit-tricks list?"),
        (["list", "optimiser"], "there is no group 'optimiser': did you mean optimizer? groups: data, imbalance"),
        (["list", "xyz"], "there is no group 'xyz': groups: data, imbalance"),
        (["evaluate", "runs/x"], "evaluate takes key=value arguments; received 'runs/x'"),
        (["predict", "run=a", "run=b"], "predict takes run once"),
        (["train", "seed=-1"], "seed must be a whole number at least 0"),
    ],
)
def test_the_console_commands_mistakes(arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert part in err


PROBE = """
import sys
from lit_tricks.cli import main
code = main(sys.argv[1:])
heavy = [name for name in ("torch", "numpy", "pandas", "sklearn", "pytorch_lightning") if name in sys.modules]
assert not heavy, heavy
raise SystemExit(code)
"""
EVIL = "loss: {_target_: lit_tricks.cli.main, argv: [train]}\nallow_targets: [torch]\n"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["evaluate"], "evaluate needs run=; received none: use lit-tricks evaluate run=… [split=…] [data_dir=…]"),
        (["evaluate", "rnu=x"], "evaluate has no argument rnu; did you mean run=?"),
        (["evaluate", "run=nowhere"], "run must be a run directory; received nowhere, which is no folder"),
        (["evaluate", "run=empty"], "holds no config.yaml"),
        (["evaluate", "run=untrained"], "a run needs a checkpoint to be used"),
        (["evaluate", "run=evil"], "loss._target_ may not name 'lit_tricks.cli.main'"),
        (["evaluate", "run=evil", "split=training"], "split must be train, val or test; received training"),
        (["evaluate", "run=evil", "allow_targets=[torch]"], "allow_targets takes packages of your own"),
        (["predict"], "predict needs run=; received none: use lit-tricks predict run=… input=… output=…"),
        (["predict", "run=evil"], "predict needs input="),
        (["predict", "run=evil", "input=x", "output=y"], "loss._target_ may not name 'lit_tricks.cli.main'"),
    ],
)
def test_evaluate_and_predict_refuse_mistakes_before_torch_is_imported(
    arguments: list[str], part: str, tmp_path: Path
) -> None:
    for name, text in {"evil": EVIL, "untrained": "seed: 0\n", "empty": None}.items():
        (tmp_path / name).mkdir()
        if text is not None:
            (tmp_path / name / "config.yaml").write_text(text)
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert part in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_usage_names_the_optional_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(["--help"]) == 0
    usage = capsys.readouterr().out
    for required, optional in FORMS.values():
        for argument in (*required, *optional):
            assert f"{argument}=" in usage
    assert max(map(len, usage.splitlines())) <= WIDTH


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"]])
def test_the_console_commands_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(arguments) == 0
    assert "lit-tricks" in capsys.readouterr().out
