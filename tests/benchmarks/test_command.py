import json
from pathlib import Path

import pytest

from benchmarks.speed import __main__ as command
from benchmarks.speed import page as pages
from benchmarks.speed.row import Contender, Figures, Line, Row, Work


def never(work: Work) -> Figures:
    raise NotImplementedError


def row(name: str, most_rounds: int | None = None) -> Row:
    contenders = (Contender("one", never), Contender("two", never), Contender("peer", never, "no_such_package"))
    lines = tuple(Line(contender.name, contender.name, ("ms",)) for contender in contenders)
    return Row(name, f"Title of {name}", "Timed.", contenders, ("ms",), lines, most_rounds=most_rounds)


class Machine:
    """Stands in for the processes: it counts them, and one of them fails or is interrupted."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, int]] = []
        self.fails: tuple[str, str, int] | None = None
        self.interrupted: tuple[str, str, int] | None = None

    def measure(self, row: Row, contender: str, data_dir: Path, number: int, quick: bool) -> Figures:
        call = (row.name, contender, number)
        if call == self.interrupted:
            self.interrupted = None
            raise KeyboardInterrupt
        self.calls.append(call)
        if call == self.fails:
            raise RuntimeError("exit code 1: it broke")
        return {"ms": 1.0}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    suite = {"first": row("first"), "slow": row("slow", most_rounds=1)}
    monkeypatch.setattr(command, "SUITE", suite)
    monkeypatch.setattr(pages, "SUITE", suite)
    machine = Machine()
    monkeypatch.setattr(command, "measure", machine.measure)
    return machine


ONCE = [("first", "one", 0), ("first", "two", 0)]
EVERYTHING = [*ONCE, ("first", "one", 1), ("first", "two", 1), ("slow", "one", 0), ("slow", "two", 0)]


def test_measures_every_row_and_writes_both_files(machine: Machine, tmp_path: Path) -> None:
    assert command.main(["data", "--rounds", "2", "--out", str(tmp_path / "out")]) == 0
    assert machine.calls == EVERYTHING
    page = (tmp_path / "out" / "benchmarks.md").read_text(encoding="utf-8")
    assert "## Title of first" in page
    assert "## Title of slow" in page
    assert "Not installed: peer." in page


@pytest.mark.parametrize("where", EVERYTHING)
def test_goes_on_after_an_interruption(machine: Machine, tmp_path: Path, where: tuple[str, str, int]) -> None:
    words = ["data", "--rounds", "2", "--out", str(tmp_path)]
    machine.interrupted = where
    with pytest.raises(KeyboardInterrupt):
        command.main(words)
    assert command.main(words) == 0
    assert machine.calls == EVERYTHING


def test_one_row_again_leaves_the_other(machine: Machine, tmp_path: Path) -> None:
    command.main(["data", "--rounds", "2", "--out", str(tmp_path)])
    machine.calls.clear()
    assert command.main(["data", "--rounds", "1", "--out", str(tmp_path), "--only", "first"]) == 0
    assert machine.calls == ONCE
    rows = json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))["rows"]
    assert [len(rows[name]["rounds"]) for name in ("first", "slow")] == [1, 1]


def test_a_failure_is_told_and_the_rest_is_measured(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.fails = ("first", "two", 0)
    assert command.main(["data", "--rounds", "2", "--out", str(tmp_path)]) == 1
    assert machine.calls == EVERYTHING
    assert "first: two failed: exit code 1: it broke" in capsys.readouterr().err
    assert "two failed: exit code 1: it broke" in (tmp_path / "benchmarks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rounds", "0"], "--rounds must be at least 1"),
        (["--quick"], "add --out FOLDER"),
        (["--only", "third"], "invalid choice"),
    ],
)
def test_refuses_what_it_cannot_measure(
    machine: Machine, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.main(["data", *words])
    assert message in capsys.readouterr().err
    assert not machine.calls
