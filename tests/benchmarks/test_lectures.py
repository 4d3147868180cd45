"""The lectures' table: verdicts, the page, and what an interrupted command has still to do."""

import json

import pytest

from benchmarks.lectures import __main__ as command
from benchmarks.lectures.page import page
from benchmarks.lectures.published import ROWS
from benchmarks.lectures.verdict import judge
from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.locate import conf_dir


@pytest.mark.parametrize(
    ("name", "values", "published", "word"),
    [
        ("test/acc", [0.95, 0.96, 0.97], 0.985, "reproduced"),
        ("test/acc", [0.95, 0.96, 0.97], 0.995, "not reproduced"),
        ("test/acc", [0.95, 0.96, 0.97], 0.90, "better"),
        ("test/loss", [0.10, 0.11, 0.12], 0.20, "better"),
        ("test/loss", [0.10, 0.11, 0.12], 0.01, "not reproduced"),
        ("test/acc", [0.5], 0.5, "reproduced"),
    ],
)
def test_verdicts_allow_three_deviations(name, values, published, word):
    assert judge(name, values, published).word == word


def test_a_verdict_needs_values():
    with pytest.raises(ValueError, match="at least one value"):
        judge("test/acc", [], 0.9)


def test_every_row_is_an_experiment_and_every_experiment_has_a_row():
    known = Composer(str(conf_dir())).words("experiment")
    words = {word.removeprefix("lecture/") for word in known if word.startswith("lecture/")}
    assert {row.word for row in ROWS} == words


def test_the_page_has_figures_pictures_and_notes():
    found = {
        "machine": "a machine",
        "rows": {
            "a9_keras_baseline": {
                "seconds": 10.0,
                "metrics": [
                    {"train/loss": 0.0046, "train/acc": 0.975, "test/loss": 0.0067, "test/acc": accuracy}
                    for accuracy in (0.960, 0.962)
                ],
            },
            "d4_learning_rates": {"seconds": 5.0, "metrics": [], "test_acc": {"optimizer.lr=0.1": 0.9}},
        },
    }
    text = page(found)
    assert "| A9 | `a9_keras_baseline` | test accuracy | 0.96090 | 0.96100 ± 0.00141 | 2 | reproduced |" in text
    assert "| `comparison.png` | optimizer.lr=0.1: 0.9000 | 5 |" in text
    assert "| D4 | `d4_learning_rates` | rates of Adam, 1e-5 to 1e-1: too low, good, too high, no learning |" in text
    assert "A10" in text
    assert "`a1_two_features`" in text.partition("## Not run yet")[2]


def test_a_search_stands_for_its_best_trial(tmp_path):
    best = {"params": {"optimizer.lr": "0.1", "batch_size": "8"}, "test": {"test/acc": {"mean": 0.9, "sd": 0.01}}}
    (tmp_path / "search.json").write_text(json.dumps({"best": best}))
    assert list(command._accuracies(tmp_path)) == [("optimizer.lr=0.1 batch_size=8", 0.9)]


def test_what_is_complete_is_not_run_again(tmp_path, monkeypatch):
    asked = []

    def pretend(options, row, seed):
        asked.append(seed)
        place = options.runs / row.word / str(seed)
        place.mkdir(parents=True)
        if seed == 3:
            return "it broke"
        metrics = {name: value for name, value in row.published.items()}
        (place / "results.json").write_text(json.dumps({"metrics": metrics}))
        (place / "seconds").write_text("1.0")
        return None

    monkeypatch.setattr(command, "_run", pretend)
    arguments = [str(tmp_path), "--only", "a9_keras_baseline", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path)]
    assert command.main(arguments) == 1
    assert asked == [0, 1, 2, 3, 4]
    assert json.loads((tmp_path / "lectures.json").read_text())["rows"] == {}
    (tmp_path / "runs" / "a9_keras_baseline" / "3" / "results.json").write_text(
        json.dumps({"metrics": next(row for row in ROWS if row.word == "a9_keras_baseline").published})
    )
    (tmp_path / "runs" / "a9_keras_baseline" / "3" / "seconds").write_text("1.0")
    assert command.main(arguments) == 0
    assert asked == [0, 1, 2, 3, 4]
    assert "| reproduced |" in (tmp_path / "lectures.md").read_text()
