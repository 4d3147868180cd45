"""``docs/imbalance.md`` from what was measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.imbalance.methods import METHODS, PLAIN, SEEDS, Case, methods_of
from lit_tricks.report.statistics import holm, paired_difference, paired_tests

HEAD = """\
# Imbalanced data: what helps, and what only seems to

Made by `python -m benchmarks.imbalance DATA_DIR` from {seeds} paired seeds of every method on every data set. Each cell
is the mean over the seeds. The difference to the plain network has a 95% interval (Student's, paired by seed: same
split, same initial weights) and a p value after Holm's correction over the methods of its table; *no detectable effect*
is said where that is .05 or more. Only the training split is imbalanced where it was made so; validation and test are
as they are. Every method ran with its defaults: nothing was tuned, on the test split or elsewhere.
"""
COLUMNS = {
    "acc": "accuracy",
    "balanced_acc": "balanced accuracy",
    "gmean": "G-mean",
    "rare_recall": "rare recall",
    "rare_precision": "rare precision",
    "rare_ap": "rare AP",
    "ece_macro": "ECE",
    "seconds": "seconds",
}
NAMES = {**COLUMNS, "mcc": "MCC"}
Figures = Mapping[str, Any]


def page(found: Mapping[str, Any], cases: Sequence[Case], pictures: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """Return the page.

    Args:
        found: ``machine`` and ``cases``: case → method → one mapping of figures a seed.
        cases: those to show, in order.
        pictures: case → pairs of a title and a path below ``docs``.
    """
    measured = [case for case in cases if case.name in found["cases"]]
    lines = [HEAD.format(seeds=SEEDS), f"{found['machine']}.", ""]
    lines += ["## What it teaches", "", *_lessons(found["cases"], measured), ""]
    for case in measured:
        lines += _section(case, found["cases"][case.name], found.get("peers", {}).get(case.name, {}))
        for title, path in pictures.get(case.name, ()):
            lines += [f"![{title}]({path})", ""]
    return "\n".join(lines)


def differences(case: Case, rows: Mapping[str, Sequence[Figures]]) -> dict[str, tuple[str, bool, float]]:
    """Return method → the difference to plain in words, whether it is detected, and its mean, by the case's metric."""
    plain = [each[case.metric] for each in rows[PLAIN]]
    others = {name: [each[case.metric] for each in seeds] for name, seeds in rows.items() if name != PLAIN}
    adjusted = dict(
        zip(others, holm([paired_tests(plain, values).p or 0.0 for values in others.values()]), strict=True)
    )
    told = {}
    for name, values in others.items():
        difference = paired_difference(plain, values)
        points = f"{100 * difference.mean:+.1f} ({100 * difference.low:+.1f}, {100 * difference.high:+.1f})"
        seen = adjusted[name] < 0.05
        told[name] = (f"**{points}**" if seen else f"{points}, no detectable effect", seen, difference.mean)
    return told


def _section(case: Case, rows: Mapping[str, Sequence[Figures]], peers: Mapping[str, Sequence[Figures]]) -> list[str]:
    order = [method for method in methods_of(case) if method.name in rows]
    counts = rows[PLAIN][0]["class_counts"]
    examples = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    lines = [f"## {case.title}", "", f"{case.told[0].upper()}{case.told[1:]}. Training examples: {examples}.", ""]
    lines += [f"Compared by {NAMES[case.metric]}; rare means {' and '.join(case.rare)}.", ""]
    head = ["method", f"{NAMES[case.metric]}, difference to plain in points (95% interval)", *COLUMNS.values()]
    lines += [_row(head), _row(["---"] * len(head))]
    told = differences(case, rows)
    for method in order:
        difference = told[method.name][0] if method.name in told else ""
        lines.append(_row([method.name, difference, *_cells(rows[method.name])]))
    for name, seeds in peers.items():
        lines.append(_row([f"imbalanced-learn's {name}", "", *_cells(seeds)]))
    repeat = [f"- {method.name}: `{_command(case, method.overrides, method.after)}`" for method in order]
    return [*lines, "", "To repeat:", "", *repeat, ""]


def _command(case: Case, overrides: Sequence[str], after: bool) -> str:
    words = [word.format(data_dir="DATA_DIR") for word in (*case.overrides, *overrides)]
    # a second stage starts from the plain run of its own seed
    seeds = ["seed=0", "transfer.source=RUN_OF_PLAIN"] if after else [f"-m seed={','.join(map(str, range(SEEDS)))}"]
    return f"python train.py {' '.join([*seeds, *words])}"


def _cells(seeds: Sequence[Figures]) -> list[str]:
    cells = []
    for metric in COLUMNS:
        values = [each[metric] for each in seeds if metric in each]
        form = ".1f" if metric == "seconds" else ".3f"
        cells.append(f"{sum(values) / len(values):{form}}" if values else "-")
    return cells


def _lessons(found: Mapping[str, Any], cases: Sequence[Case]) -> list[str]:
    """Say for each case what helped most, what helped nothing, and what lost."""
    lines = []
    for case in cases:
        told = differences(case, found[case.name])
        order = [method.name for method in METHODS if method.name in told]
        best = max(order, key=lambda name: told[name][2])
        helped = sorted((n for n in order if told[n][1] and told[n][2] > 0), key=lambda name: -told[name][2])
        hurt = [name for name in order if told[name][1] and told[name][2] < 0]
        nothing = [name for name in order if not told[name][1]]
        sentence = f"**{case.title}** (points of {NAMES[case.metric]}): best is {best}, {told[best][0]}."
        sentence += f" Helps: {_listed(helped)}. No detectable effect: {_listed(nothing)}. Hurts: {_listed(hurt)}."
        lines.append(f"- {sentence}")
    return lines


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
