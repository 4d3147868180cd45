from dataclasses import replace

import pytest

from benchmarks.speed import page as pages
from benchmarks.speed.figures import ratio
from benchmarks.speed.page import number, page
from benchmarks.speed.row import Claim, Contender, Figures, Line, Row, Work


def never(work: Work) -> Figures:
    raise NotImplementedError


FASTER = Claim("ours ÷ loop", "at most", 1.1, ratio(("ours", "ms"), ("loop", "ms")))
ROW = Row(
    name="row",
    title="A title",
    timed="What is timed.",
    contenders=(Contender("loop", never), Contender("ours", never), Contender("peer", never, "package")),
    columns=("ms a step",),
    lines=(Line("loop", "loop", ("ms",)), Line("ours, whole", "ours", ("ms",)), Line("peer", "peer", ("ms",))),
    claims=(FASTER, Claim("peer ÷ ours", "at least", 5.0, ratio(("peer", "ms"), ("ours", "ms")))),
)
HERE = {"machine": "a machine, 2 cores", "Python": "3.11"}


@pytest.fixture(autouse=True)
def suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SUITE", {"row": ROW, "other": ROW, "unmeasured": ROW})


def measured(*ours: float | None, environment: dict[str, str] = HERE, **failures: str) -> dict:
    rounds = [{"loop": {"ms": 2.0}, "ours": None if ms is None else {"ms": ms}} for ms in ours]
    return {"environment": environment, "code": "abc", "rounds": rounds, "failures": failures}


def test_page_shows_medians_ratios_and_verdicts() -> None:
    lines = page({"row": measured(2.0, 2.4, 2.1)}).splitlines()
    assert lines[0] == "# Speed"
    assert "a machine, 2 cores; Python 3.11." in lines
    assert "| ours ÷ loop | at most 1.1 | 1.05 (1 to 1.2) | met |" in lines
    assert "Commit abc." in lines
    assert "| peer ÷ ours | at least 5 | not measured | - |" in lines
    assert "| loop | 2 | 1.00 | 1.00 to 1.00 |" in lines
    assert "| ours, whole | 2.1 | 1.05 | 1.00 to 1.20 |" in lines
    assert "| peer | - | - | - |" in lines
    assert "Not installed: peer." in lines
    assert any(line.startswith("`--only row`, 3 rounds. What is timed.") for line in lines)
    assert sum(line.startswith("## ") for line in lines) == 1


def test_what_else_the_machine_did_is_said() -> None:
    row = measured(2.0, 2.2)
    row["rounds"][0]["loop"][pages.OTHERS] = 0.02
    row["rounds"][1]["ours"][pages.OTHERS] = 0.31
    assert "Commit abc. Before a measurement others kept at most 0.31 cores busy." in page({"row": row}).splitlines()


def test_a_contender_that_joined_later_is_not_measured_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    joined = replace(ROW, contenders=(*ROW.contenders, Contender("new", never)))
    monkeypatch.setattr(pages, "SUITE", {"row": joined})
    lines = page({"row": measured(2.0)}).splitlines()
    assert "Not installed: peer." in lines
    assert "Not measured yet: new." in lines


def test_a_missed_target_says_so() -> None:
    assert "| ours ÷ loop | at most 1.1 | 1.2 | **missed** |" in page({"row": measured(2.4)}).splitlines()


def test_failures_and_other_machines_are_named() -> None:
    elsewhere = {"machine": "another", "Python": "3.12"}
    text = page({"row": measured(2.0), "other": measured(None, environment=elsewhere, ours="out of memory")})
    assert "Measured elsewhere: another; Python 3.12." in text
    assert "ours failed: out of memory" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.00456789, "0.00457"), (1.049, "1.05"), (99.94, "99.9"), (123.4, "123"), (12345.6, "12,346")],
)
def test_numbers_have_three_significant_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_claims_hold_at_their_limit() -> None:
    assert FASTER.is_met(1.1)
    assert not FASTER.is_met(1.11)
    assert ROW.claims[1].is_met(5.0)
    assert not ROW.claims[1].is_met(4.99)
