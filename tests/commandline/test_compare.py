"""``lit-tricks compare`` from its arguments to what it prints and writes."""

import json
from pathlib import Path

import pytest
from leaving_runs import leave

from lit_tricks.cli import main

FILES = {"comparison.csv", "comparison.json", "comparison.md", "comparison.tex", "comparison.html"}


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    for word, accuracy in (("baseline", 0.8), ("dropout", 0.9)):
        for seed in range(3):
            leave(
                tmp_path / "a=b" / f"{word}{seed}", [f"+experiment=[{word}]", f"seed={seed}"], accuracy + seed**2 / 500
            )
    leave(tmp_path / "a=b" / "gone", ["+experiment=[dropout]", "seed=3"], None, status="failed", reason="no room left")
    return tmp_path / "a=b"


def test_it_prints_the_answer_and_writes_every_format(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(sweep)]) == 0
    said = capsys.readouterr().out
    assert "Against baseline with 80.33% test accuracy (3 runs; " in said
    assert "failed: no room left" in said
    assert f"page    {sweep / 'comparison.html'}" in said
    assert {path.name for path in sweep.glob("comparison.*")} == FILES


def test_baseline_metric_and_place_are_the_user_s(sweep: Path, tmp_path: Path) -> None:
    output = tmp_path / "elsewhere" / "deep"
    assert main(["compare", str(sweep), "baseline=dropout", "metric=test/loss", f"output={output}"]) == 0
    (told,) = json.loads((output / "comparison.json").read_text(encoding="utf-8"))["comparisons"]
    assert (told["baseline"], told["metric"]) == ("dropout", "test/loss")
    assert not list(sweep.glob("comparison.*"))


def test_runs_of_several_folders_are_compared_together(sweep: Path, tmp_path: Path) -> None:
    for seed in range(3):
        leave(tmp_path / "more" / str(seed), ["+experiment=[swa]", f"seed={seed}"], 0.85)
    assert main(["compare", str(sweep), str(tmp_path / "more"), f"output={tmp_path}"]) == 0
    (told,) = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))["comparisons"]
    assert [group["label"] for group in told["groups"]] == ["baseline", "dropout", "swa"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["baseline=swa"], "received none"),
        (["DIR", "baseline=swa"], "received 'swa': choose among 'baseline', 'dropout'"),
        (["DIR", "basline=dropout"], "did you mean baseline="),
        (["DIR/baseline0/checkpoints"], "is no folder"),
        (["DIR/empty"], "holds none"),
        (["DIR", "output=DIR/gone/results.json"], "needs a folder it can write to"),
    ],
)
def test_mistakes_are_told_in_one_line(
    arguments: list[str], said: str, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sweep / "empty").mkdir()
    assert main(["compare", *(argument.replace("DIR", str(sweep)) for argument in arguments)]) == 2
    told = capsys.readouterr().err.strip()
    assert said in told
    assert "\n" not in told


def test_without_arguments_it_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare"]) == 0
    assert "compare DIR [DIR ...]" in capsys.readouterr().out
