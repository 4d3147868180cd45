"""The rows fit together, whatever they measure."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.speed.row import Row, Work
from benchmarks.speed.suite import SUITE

SPEED = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize("row", SUITE.values(), ids=list(SUITE))
def test_tables_show_what_contenders_measure(row: Row) -> None:
    names = [one.name for one in row.contenders]
    assert len(set(names)) == len(names)
    assert {line.contender for line in row.lines} == set(names)
    assert all(len(line.figures) == len(row.columns) for line in row.lines)


@pytest.mark.parametrize("row", SUITE.values(), ids=list(SUITE))
def test_claims_are_about_figures_of_the_table(row: Row) -> None:
    """Every figure of the table set to one number: ratios are 1 and differences 0, and no claim lacks a figure."""
    figures: dict[str, dict[str, float]] = {one.name: {} for one in row.contenders}
    for line in row.lines:
        figures[line.contender] |= dict.fromkeys(line.figures, 2.0)
    for claim in row.claims:
        assert claim.measured([figures, figures]) in (0.0, 1.0, 2.0)


def test_modules_stay_short() -> None:
    for path in SPEED.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 250, path


def test_quick_work_is_a_hundredth() -> None:
    assert Work(Path(), Path(), quick=True).share(3000) == 30
    assert Work(Path(), Path(), quick=True).share(15) == 2
    assert Work(Path(), Path()).share(15) == 15


def test_the_processes_that_time_others_stay_light() -> None:
    code = "import sys, benchmarks.speed.__main__, benchmarks.speed.worker; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=SPEED.parent, check=False).returncode == 0
