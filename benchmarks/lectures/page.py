"""The table as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.lectures.published import ROWS, Row
from benchmarks.lectures.verdict import judge
from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.commandline.words import sentence

HEAD = (
    "# The lectures' systems\n\n"
    "Made by `python -m benchmarks.lectures DATA_DIR` from full runs; ours is the mean ± standard deviation over the "
    "seeds. *Reproduced*: the published figure lies within three standard deviations of our mean; *better*: ours lies "
    "beyond it on the good side. Without a spread, ours must round to the published one. Each row runs as "
    "`python train.py +experiment=lecture/WORD`.\n"
)
METRICS = {
    "train/loss": "training loss",
    "train/acc": "training accuracy",
    "test/loss": "test loss",
    "test/acc": "test accuracy",
}


def page(found: Mapping[str, Any]) -> str:
    """Return the page of ``found``: word → ``seeds``, one mapping of metrics each, and ``seconds``."""
    done = [row for row in ROWS if row.word in found["rows"]]
    lines = [HEAD, f"{found['machine']}.\n", "## Published figures\n"]
    lines += ["| row | word | figure | published | ours | seeds | verdict |", "|---|---|---|---|---|---|---|"]
    for row in done:
        lines += _figures(row, found["rows"][row.word]["metrics"])
    lines += ["", "## Pictures and rows without a published figure\n"]
    lines += ["| row | word | what it shows | picture | test accuracy | seconds |", "|---|---|---|---|---|---|"]
    composer = Composer(str(conf_dir()))
    for row in done:
        if not row.published:
            lines.append(_picture(row, found["rows"][row.word], composer))
    notes = [f"- {row.name}: {row.note}." for row in done if row.note]
    due = [f"`{row.word}`" for row in ROWS if row.word not in found["rows"]]
    if due:
        lines += ["", "## Not run yet\n", f"{', '.join(due)}."]
    return "\n".join([*lines, *(["", "## Notes\n", *notes] if notes else []), ""])


def _figures(row: Row, seeds: Sequence[Mapping[str, float]]) -> list[str]:
    lines = []
    for name, published in row.published.items():
        values = [metrics[name] for metrics in seeds]
        verdict = judge(name, values, published, row.digits)
        digits = 5 if published <= 1 else 1
        ours = f"{verdict.mean:.{digits}f} ± {verdict.deviation:.{digits}f}"
        cells = [
            row.name,
            f"`{row.word}`",
            METRICS[name],
            f"{published:.{min(digits, row.digits)}f}",
            ours,
            len(values),
            verdict.word,
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def _picture(row: Row, entry: Mapping[str, Any], composer: Composer) -> str:
    groups: Mapping[str, float] = entry["test_acc"]
    # one run needs no name
    told = "<br>".join(f"{value:.4f}" if label == "run" else f"{label}: {value:.4f}" for label, value in groups.items())
    shown = sentence(composer, "experiment", f"lecture/{row.word}").removeprefix(f"{row.name}: ")
    cells = [row.name, f"`{row.word}`", shown, f"`{row.picture}`", told, f"{entry['seconds']:.0f}"]
    return f"| {' | '.join(cells)} |"
