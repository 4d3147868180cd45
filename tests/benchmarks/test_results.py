import json
from pathlib import Path

import pytest

from benchmarks.speed.results import Results

COMMAND = {"rounds": 2, "environment": {"machine": "one"}}
NAMES = ["a", "b"]
CONTENDERS = ["x", "y"]


def measure(results: Results, most: int | None = None) -> list[tuple[str, int, str]]:
    """Go through the rows as the command does, and stop after ``most`` measurements as if interrupted."""
    made: list[tuple[str, int, str]] = []
    for name in results.begin(NAMES, COMMAND):
        while (due := results.next(CONTENDERS, 2)) is not None:
            if len(made) == most:
                return made
            made.append((name, *due))
            results.add(*due, {"ms": float(len(made))})
        results.complete(COMMAND["environment"], "abc")
    return made


EVERYTHING = [(name, number, contender) for name in NAMES for number in range(2) for contender in CONTENDERS]


def test_rounds_are_interleaved(tmp_path: Path) -> None:
    results = Results(tmp_path / "benchmarks.json")
    assert measure(results) == EVERYTHING
    assert results.rows["b"]["rounds"] == [{"x": {"ms": 5.0}, "y": {"ms": 6.0}}, {"x": {"ms": 7.0}, "y": {"ms": 8.0}}]


@pytest.mark.parametrize("most", range(len(EVERYTHING)))
def test_an_interrupted_command_goes_on_wherever_it_stopped(tmp_path: Path, most: int) -> None:
    path = tmp_path / "benchmarks.json"
    before = measure(Results(path), most)
    after = measure(Results(path))
    assert before + after == EVERYTHING
    content = json.loads(path.read_text(encoding="utf-8"))
    assert list(content) == ["rows"]
    assert [file.name for file in tmp_path.iterdir()] == ["benchmarks.json"]
    assert all(len(content["rows"][name]["rounds"]) == 2 for name in NAMES)


@pytest.mark.parametrize("change", [{"rounds": 3}, {"environment": {"machine": "another"}}, {"code": "def"}])
def test_another_command_begins_anew(tmp_path: Path, change: dict) -> None:
    path = tmp_path / "benchmarks.json"
    measure(Results(path), 3)
    results = Results(path)
    assert results.begin(NAMES, COMMAND | change) == NAMES
    assert results.next(CONTENDERS, 2) == (0, "x")


def test_a_row_measured_again_leaves_the_others_and_keeps_its_old_figures_until_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.json"
    measure(Results(path))
    old = json.loads(path.read_text(encoding="utf-8"))["rows"]
    results = Results(path)
    assert results.begin(["b"], COMMAND) == ["b"]
    results.add(0, "x", {"ms": 99.0})
    assert Results(path).rows == old
    for due in ((0, "y"), (1, "x"), (1, "y")):
        results.add(*due, {"ms": 99.0})
    results.complete({"machine": "two"}, "def")
    again = Results(path).rows
    assert again["a"] == old["a"]
    assert again["b"]["rounds"][0] == {"x": {"ms": 99.0}, "y": {"ms": 99.0}}
    assert again["b"]["environment"] == {"machine": "two"}
    assert [again[name]["code"] for name in NAMES] == ["abc", "def"]


def test_a_failure_counts_as_measured_and_is_remembered(tmp_path: Path) -> None:
    results = Results(tmp_path / "benchmarks.json")
    results.begin(["a"], COMMAND)
    results.add(0, "x", None, "it broke")
    assert results.next(CONTENDERS, 1) == (0, "y")
    results.add(0, "y", {"ms": 1.0})
    assert results.next(CONTENDERS, 1) is None
    results.complete({}, "abc")
    assert Results(results.path).rows["a"]["failures"] == {"x": "it broke"}
