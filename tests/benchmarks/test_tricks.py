"""The pages of the tricks: findings in words, what an interrupted command has still to do, committed figures."""

from pathlib import Path

import pytest

from benchmarks.tricks import __main__ as command
from benchmarks.tricks.effects import Effects
from benchmarks.tricks.measure import measure
from benchmarks.tricks.page import file_name, index_page, told, trick_page
from benchmarks.tricks.settings import BASELINE, SEEDS, SETTINGS, Setting, is_measured
from lit_tricks.commandline.cards import Card, card, tricks
from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.report.statistics import PairedDifference

COMPOSER = Composer(str(conf_dir()))
CARD = Card("experiment", "dropout", "Silences |units|", {"What": "mask", "Source": "Srivastava"})
DEFAULTS = {"optimizer": "adam"}


def figures(accuracy: float) -> dict[str, list[float]]:
    return {"accuracy": [accuracy + seed / 1000 for seed in range(5)], "loss": [0.1] * 5, "seconds": [2.0] * 5}


@pytest.fixture
def effects(tmp_path: Path) -> Effects:
    found = Effects(tmp_path / "effects.json")
    found.add("digits", BASELINE, figures(0.95), "a machine")
    found.add("digits", CARD.override, figures(0.96) | {"seconds": [3.0] * 5}, "a machine")
    found.add("MNIST", BASELINE, figures(0.95), "a machine")
    found.add("MNIST", CARD.override, {"refused": "dropout needs a hidden layer"}, "a machine")
    return found


def test_findings_in_words() -> None:
    assert told(PairedDifference(0.012, 0.010, 0.014, 5)).startswith("**better** by 1.20 points, 95% interval +1.00")
    assert told(PairedDifference(-0.012, -0.02, -0.004, 5)).startswith("**worse** by 1.20 points")
    assert told(PairedDifference(0.001, -0.001, 0.003, 5)).startswith("no detectable effect (+0.10 points")


def test_a_page_has_the_card_and_what_was_measured(effects: Effects) -> None:
    page = trick_page(CARD, effects, DEFAULTS)
    assert "**What it does**: mask" in page
    assert "| digits | 96.20 ± 0.16% | **better** by 1.00 points, 95% interval +1.00 to +1.00 | 1.5 times |" in page
    assert "| MNIST | - | refused: dropout needs a hidden layer | - |" in page
    assert "python train.py -m seed=0,1,2,3,4 +experiment=dropout" in page
    assert "The default" in trick_page(Card("optimizer", "adam", "Adam"), effects, DEFAULTS)


def test_the_table_says_what_was_not_measured(effects: Effects) -> None:
    page = index_page([CARD, Card("optimizer", "adam", "Adam")], effects, DEFAULTS)
    link = "[`dropout`](experiment_dropout.md)"
    assert f"| {link} | Silences \\|units\\| | **+1.00 (+1.00, +1.00)** | refused | not measured |" in page
    assert "| default | default | default |" in page


def test_an_interrupted_command_goes_on_and_forgets_words_that_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def fake(setting: Setting, word: str, data_dir: Path) -> dict[str, list[float]]:
        asked.append((setting.name, word))
        if word != BASELINE and len(asked) == len(SETTINGS) + 2:
            raise RuntimeError("out of memory")
        return figures(0.9)

    monkeypatch.setattr(command, "measure", fake)
    Effects(tmp_path / "effects.json").add("digits", "+experiment=gone", figures(0.5), "a machine")
    (tmp_path / "experiment_gone.md").write_text("old")
    arguments = [str(tmp_path), "--only", "dropout", "--out", str(tmp_path)]
    assert command.main(arguments) == 1
    assert [word for _, word in asked[: len(SETTINGS)]] == [BASELINE] * len(SETTINGS)
    assert command.main(arguments) == 0
    everywhere = sum(not setting.only for setting in SETTINGS)
    assert len(asked) == len(SETTINGS) + everywhere + 1
    assert command.main([*arguments, "--again"]) == 0
    assert len(asked) == len(SETTINGS) + 2 * everywhere + 1
    kept = Effects(tmp_path / "effects.json")
    assert not kept.has("digits", "+experiment=gone")
    assert not (tmp_path / "experiment_gone.md").exists()
    assert "+0.00" in (tmp_path / "experiment_dropout.md").read_text(encoding="utf-8")


def test_nothing_is_measured_where_the_baseline_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fake(setting: Setting, word: str, data_dir: Path) -> dict[str, list[float]]:
        asked.append(word)
        raise RuntimeError("no data")

    monkeypatch.setattr(command, "measure", fake)
    assert command.main([str(tmp_path), "--only", "dropout", "--out", str(tmp_path)]) == 1
    assert asked == [BASELINE] * len(SETTINGS)


def test_a_measurement_runs_the_product_for_every_seed(tmp_path: Path) -> None:
    quick = Setting("quick", ("data=moons", "trainer.max_epochs=1"), "")
    found = measure(quick, "optimizer=sgd", tmp_path)
    assert len(found["accuracy"]) == len(found["loss"]) == len(found["seconds"]) == SEEDS
    assert len(set(found["loss"])) == SEEDS
    assert "greater than 0" in measure(quick, "optimizer.lr=-1", tmp_path)["refused"]
    wild = Setting("wild", ("data=moons", "optimizer=sgd", "trainer.max_epochs=3"), "")
    assert "5 of 5 runs" in measure(wild, "optimizer.lr=1e30", tmp_path)["failed"]
    nowhere = Setting("nowhere", ("data=npz", f"data.path={tmp_path}/nothing.npz"), "")
    with pytest.raises(RuntimeError, match=r"nothing\.npz"):
        measure(nowhere, BASELINE, tmp_path)


def test_the_committed_pages_are_those_of_the_cards_and_figures() -> None:
    effects = Effects(command.DOCS / "effects.json")
    defaults = COMPOSER.defaults()
    cards = [card(COMPOSER, group, name) for group, name in tricks(COMPOSER)]
    pages = {file_name(each): trick_page(each, effects, defaults) for each in cards}
    pages["README.md"] = index_page(cards, effects, defaults)
    committed = {file.name: file.read_text(encoding="utf-8") for file in command.DOCS.glob("*.md")}
    stale = sorted(name for name in pages.keys() | committed.keys() if pages.get(name) != committed.get(name))
    assert not stale, f"run python -m benchmarks.tricks DATA_DIR --pages: {stale}"


def test_every_trick_was_measured() -> None:
    effects = Effects(command.DOCS / "effects.json")
    defaults = COMPOSER.defaults()
    found = [card(COMPOSER, group, name) for group, name in tricks(COMPOSER) if defaults.get(group) != name]
    pairs = [(setting, each.override) for setting in SETTINGS for each in found if is_measured(setting, each.override)]
    missing = [(setting.name, word) for setting, word in pairs if not effects.has(setting.name, word)]
    assert not missing, f"run python -m benchmarks.tricks DATA_DIR: {missing}"
