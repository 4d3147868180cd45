"""A comparison for other programs: CSV, JSON, Markdown, LaTeX and pandas."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lit_tricks.report.answer import HEAD, choice, notes, sentence, texts
from lit_tricks.report.comparing import Comparison, Group
from lit_tricks.report.runs import Run, find_runs
from lit_tricks.report.summary import command

if TYPE_CHECKING:
    import pandas as pd

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
# of the whole table, as many as a page is wide
LATEX_COLUMNS = 8
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|])")


def load_runs(*folders: str | Path) -> "pd.DataFrame":
    """Return one row per run: ``run``, ``group``, ``seed``, ``fold``, ``status``, ``reason`` … and all metrics.

    Failed, stopped and half-written runs are among them, with their reason and without metrics.

    Args:
        folders: of runs, of folders with runs, or run directories themselves.

    Raises:
        UserError: when a folder holds no run.
    """
    import pandas as pd

    head, table = run_table(find_runs([Path(folder).expanduser() for folder in folders]))
    return pd.DataFrame(table, columns=head)


def run_table(runs: Sequence[Run]) -> tuple[list[str], list[list[Any]]]:
    """Return the head and one row per run, with every metric that any of them has."""
    names = sorted({str(name) for run in runs for name in run.metrics})
    head = ["run", "group", "seed", "fold", "status", "reason", "data", "epochs", "n_params", "fit_seconds", *names]
    table = []
    for run in runs:
        seconds = run.results.get("seconds")
        table.append([
            run.path.name, run.label, run.seed, run.pair[1], run.status, run.reason,
            run.data.get("name"), run.results.get("epochs"), run.results.get("n_params"),
            seconds.get("fit") if isinstance(seconds, dict) else None, *(run.metrics.get(name) for name in names),
        ])  # fmt: skip
    return head, table


def runs_csv(runs: Sequence[Run]) -> str:
    """Return ``run_table`` as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head, table = run_table(runs)
    writer.writerows([head, *table])
    return text.getvalue()


def comparison_json(comparisons: Sequence[Comparison], runs: Sequence[Run]) -> str:
    """Return everything that was computed, with every run's place, state and metrics; infinity and NaN are null."""
    content = {
        "comparisons": [
            {
                "data": comparison.data,
                "metric": comparison.metric,
                "baseline": comparison.baseline.label,
                "answer": sentence(comparison),
                "warnings": list(comparison.warnings),
                "groups": [_group(group) for group in comparison.groups],
                "left_out": [{"run": str(run.path), "reason": reason} for run, reason in comparison.left_out],
            }
            for comparison in comparisons
        ],
        "runs": [
            {
                "run": str(run.path),
                "group": run.label,
                "seed": run.seed,
                "status": run.status,
                "reason": run.reason or None,
                "command": command(run.results),
                "metrics": run.metrics,
            }
            for run in runs
        ],
    }
    return json.dumps(_finite(content), indent=2, allow_nan=False) + "\n"


def comparison_markdown(comparisons: Sequence[Comparison]) -> str:
    """Return the answers with their tables, warnings and the runs that do not count, in Markdown."""
    parts = []
    for comparison in comparisons:
        parts += [f"## {_markdown(comparison.data)}\n"] if len(comparisons) > 1 else []
        parts.append(f"**{_markdown(sentence(comparison))}**\n")
        parts += [f"> Warning: {_markdown(warning)}\n" for warning in comparison.warnings]
        lines = [HEAD, ["---", "---", *["---:"] * (len(HEAD) - 2)], *_escaped(texts(comparison))]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n")
        parts += [f"{_markdown(note)}\n" for note in [*notes(comparison), choice(comparison)] if note]
        if comparison.left_out:
            said = [f"- {_markdown(str(run.path))}: {_markdown(reason)}" for run, reason in comparison.left_out]
            parts.append("Not counted:\n\n" + "\n".join(said) + "\n")
    return "\n".join(parts)


def comparison_latex(comparisons: Sequence[Comparison]) -> str:
    """Return one ``tabular`` a comparison, for documents that use the package booktabs."""
    blocks = []
    for comparison in comparisons:
        shown = range(LATEX_COLUMNS)
        lines = [" & ".join(latex(row[place]) for place in shown) + r" \\" for row in texts(comparison)]
        head = " & ".join(latex(HEAD[place]) for place in shown) + r" \\"
        body = ["\\begin{tabular}{ll" + "r" * (len(shown) - 2) + "}", r"\toprule", head, r"\midrule", *lines]
        blocks.append(
            "\n".join([f"% {' '.join(sentence(comparison).split())}", *body, r"\bottomrule", r"\end{tabular}"])
        )
    return "\n\n".join(blocks) + "\n"


def latex(text: str) -> str:
    """Return text in which LaTeX reads nothing but text."""
    return "".join(_LATEX.get(character, character) for character in text)


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _escaped(table: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[_markdown(row[0]), *row[1:]] for row in table]


def _group(group: Group) -> dict[str, Any]:
    content: dict[str, Any] = {
        "label": group.label,
        "n": len(group.values),
        "mean": group.mean,
        "sd": group.deviation,
        "verdict": group.verdict,
        "values": [{"seed": run.seed, "value": v} for run, v in zip(group.runs, group.values, strict=True)],
    }
    if group.effect is not None:
        content["effect"] = asdict(group.effect)
    return content


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
