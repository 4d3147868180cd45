"""``benchmarks.md`` from ``benchmarks.json``: ``python -m benchmarks.speed.page [FOLDER]`` makes it once more."""

import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.speed.environment import in_words
from benchmarks.speed.figures import median, ratios
from benchmarks.speed.processes import REPOSITORY
from benchmarks.speed.results import Results
from benchmarks.speed.row import Claim, Rounds, Row
from benchmarks.speed.suite import SUITE
from lit_tricks.files import write_atomically

# the figure that every measurement has besides its own
OTHERS = "busy cores before"

INTRODUCTION = (
    "Made by `python -m benchmarks.speed DATA_DIR`, one row again by `--only ROW`. Each contender runs in a process of "
    "its own, in turn, round after round; figures are medians over the rounds, and ratios are taken within a round. "
    "Brackets hold the smallest and the largest of the single rounds."
)


def write_page(results: Results, path: Path) -> None:
    """Write the page of all rows measured so far."""
    write_atomically(path, page(results.rows))


def page(measured: dict[str, Any]) -> str:
    """Return the page: circumstances, summary, then every measured row of the suite in its order."""
    known = {name: row for name, row in SUITE.items() if name in measured}
    environments = [measured[name]["environment"] for name in known]
    shared = max(environments, key=environments.count, default={})
    lines = ["# Speed", "", INTRODUCTION, ""]
    if shared:
        lines += [in_words(shared), ""]
    lines += summary(known, measured)
    for name, row in known.items():
        lines += details(row, measured[name], shared)
    return "\n".join(lines)


def summary(rows: dict[str, Row], measured: dict[str, Any]) -> list[str]:
    """Return the table of all targets."""
    lines = ["| work | target | measured | |", "|---|---|---|---|"]
    for name, row in rows.items():
        for claim in row.claims:
            unit = f" {claim.unit}" if claim.unit else ""
            try:
                value = claim.measured(measured[name]["rounds"])
            except ValueError:
                found, verdict = "not measured", "-"
            else:
                found = f"{number(value)}{unit}{_spread(claim, measured[name]['rounds'])}"
                verdict = "met" if claim.is_met(value) else "**missed**"
            lines.append(f"| {claim.work} | {claim.direction} {number(claim.limit)}{unit} | {found} | {verdict} |")
    return [*lines, ""]


def details(row: Row, measured: dict[str, Any], shared: dict[str, str]) -> list[str]:
    """Return a row's section."""
    rounds: Rounds = measured["rounds"]
    many = f"{len(rounds)} round{'s' * (len(rounds) > 1)}"
    lines = [f"## {row.title}", "", f"`--only {row.name}`, {many}. {row.timed}", ""]
    lines += [" ".join([f"Commit {measured.get('code', 'not recorded')}.", *_load(rounds)]), ""]
    if measured["environment"] != shared:
        lines += [f"Measured elsewhere: {in_words(measured['environment'])}", ""]
    headings = ["", *row.columns, *(["ratio", "smallest to largest"] if row.base else [])]
    lines += [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    for line in row.lines:
        cells = [line.label, *(_cell(rounds, line.contender, one, row.digits) for one in line.figures)]
        if row.base:
            first = row.lines[0]
            cells += _ratio_cells(
                ratios(rounds, (line.contender, line.figures[0]), (first.contender, first.figures[0]))
            )
        lines.append(f"| {' | '.join(cells)} |")
    absent = [one for one in row.contenders if not any(one.name in found for found in rounds)]
    for why, names in (
        ("Not installed", [one.name for one in absent if one.needs is not None]),
        ("Not measured yet", [one.name for one in absent if one.needs is None]),
    ):
        if names:
            lines += ["", f"{why}: {', '.join(names)}."]
    lines += [f"\n{name} failed: {reason}" for name, reason in measured["failures"].items()]
    return [*lines, ""]


def _spread(claim: Claim, rounds: Rounds) -> str:
    """Return the smallest and the largest of what single rounds say of a claim."""
    found = []
    for one in rounds:
        try:
            found.append(claim.measured([one]))
        except ValueError:
            continue
    return f" ({number(min(found))} to {number(max(found))})" if len(found) > 1 else ""


def _load(rounds: Rounds) -> list[str]:
    found = [figures[OTHERS] for one in rounds for figures in one.values() if figures and OTHERS in figures]
    return [f"Before a measurement others kept at most {max(found):.2f} cores busy."] if found else []


def number(value: float, digits: int = 3) -> str:
    """Return a figure with so many significant digits, or whole from 100."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.{digits}g}"


def _cell(rounds: Rounds, contender: str, figure: str, digits: int) -> str:
    try:
        return number(median(rounds, contender, figure), digits)
    except ValueError:
        return "-"


def _ratio_cells(found: list[float]) -> list[str]:
    if not found:
        return ["-", "-"]
    middle = statistics.median(found)
    return [f"{middle:.2f}", f"{min(found):.2f} to {max(found):.2f}"]


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "docs"
    write_page(Results(folder / "benchmarks.json"), folder / "benchmarks.md")
