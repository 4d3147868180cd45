"""What a comparison comes to, in one sentence and in one table of texts."""

import math
from collections.abc import Callable
from statistics import fmean
from typing import Any

from lit_tricks.report.comparing import NO_EFFECT, Comparison, Effect, Group
from lit_tricks.report.statistics import MOST_EXACT
from lit_tricks.report.summary import METRICS, SPLITS

# so many groups are told one by one
TOLD = 4
# metrics that are no share of something, whose differences are no points
_PLAIN = ("loss", "brier")

HEAD = (
    "group", "verdict", "n", "mean", "sd", "difference", "95% interval", "p (t), Holm", "effect size", "p (t)",
    "p (exact)", "p (exact), Holm", "seeds for 1 point",
)  # fmt: skip


def metric_words(metric: str) -> str:
    """Return the metric in words, such as ``test accuracy``."""
    split, _, name = metric.partition("/")
    return f"{SPLITS.get(split, split)} {METRICS.get(name, name)}"


def is_share(metric: str) -> bool:
    """Return whether the metric is told in percent and its differences in points."""
    return metric.rpartition("/")[2] not in _PLAIN


def sentence(comparison: Comparison) -> str:
    """Return the answer: what helps, what hurts, by how much, how sure, and what has no detectable effect."""
    baseline, others = comparison.baseline, comparison.others
    base = f"{baseline.label} has {told(baseline.mean, comparison.metric)} {metric_words(comparison.metric)}"
    runs = f"{len(baseline.values)} run{'s' if len(baseline.values) > 1 else ''}"
    if not others:
        spread = "" if baseline.deviation is None else f" ± {told(baseline.deviation, comparison.metric)}"
        return f"{base}{spread} (mean over {runs}); there is no other group to compare with"
    if all(group.effect is None or group.effect.tests.p is None for group in others):
        ranked = sorted(others, key=lambda group: group.mean, reverse=not comparison.lower_is_better)
        best = ranked[0]
        return (
            f"One seed only, so no test: {base}, {best.label} {told(best.mean, comparison.metric)}; "
            "what another seed would give is unknown"
        )
    parts = [_part(group, comparison.metric) for group in others] if len(others) <= TOLD else _counts(comparison)
    unit = " in points" if is_share(comparison.metric) else ""
    return (
        f"Against {baseline.label} with {told(baseline.mean, comparison.metric)} {metric_words(comparison.metric)} "
        f"({runs}; mean difference{unit} and its 95% interval): {'; '.join(parts)}"
    )


def _part(group: Group, metric: str) -> str:
    effect = group.effect
    if effect is None or effect.tests.p is None:
        return f"{group.label}: {group.verdict}"
    size = f"{change(effect.difference.mean, metric)} {span(effect, metric)}"
    if group.verdict != NO_EFFECT:
        return f"{group.label} {group.verdict} ({size})"
    # an interval is about one comparison, the verdict about all of them
    several = " after Holm's correction" if effect.difference.detected else ""
    return f"{group.label}: {NO_EFFECT}{several} ({size})"


def span(effect: Effect, metric: str) -> str:
    """Return the interval of the difference, a dash for a single pair."""
    low, high = effect.difference.low, effect.difference.high
    return f"[{change(low, metric)}, {change(high, metric)}]" if math.isfinite(low) else "-"


def _counts(comparison: Comparison) -> list[str]:
    parts = []
    for verdict, many in (("helps", "help"), ("hurts", "hurt")):
        found = [group for group in comparison.others if group.verdict == verdict]
        if found:
            most = max(found, key=lambda group: abs(_mean(group.effect)))
            parts.append(
                f"{len(found)} of {len(comparison.others)} groups {verdict if len(found) == 1 else many}, "
                f"most of all {_part(most, comparison.metric)}"
            )
    none = sum(group.verdict == NO_EFFECT for group in comparison.others)
    if none:
        parts.append(f"{NO_EFFECT} of {none} group{'s' if none > 1 else ''}")
    untested = len(comparison.others) - none - sum(g.verdict in ("helps", "hurts") for g in comparison.others)
    return [*parts, f"{untested} without a test"] if untested else parts


def _mean(effect: Effect | None) -> float:
    return 0.0 if effect is None else effect.difference.mean


def notes(comparison: Comparison) -> list[str]:
    """Return what a reader must know about the tests: how pairs were made, what verdicts mean, what is too few."""
    effects = [group.effect for group in comparison.others if group.effect is not None]
    tested = [effect for effect in effects if effect.tests.p is not None]
    if not tested:
        return [
            "One seed shows what came out once. A test needs the same groups with further seeds: add seed=0,1,2,3,4."
        ]
    said = [
        "Pairs have the same seed: the same split, initial weights and order of batches wherever the trick allows it. "
        "Verdicts are paired t tests at 5% after Holm's correction for "
        f"{len(tested)} comparison{'s' if len(tested) > 1 else ''}; “{NO_EFFECT}” does not mean that there is none.",
    ]
    fewest = min(effect.difference.pairs for effect in tested)
    if fewest <= MOST_EXACT and 2 / 2**fewest > 0.05:
        said.append(
            f"The exact permutation test of {fewest} pairs cannot give less than {2 / 2**fewest:.4g}; "
            "6 pairs are the fewest with which it can fall below 5%."
        )
    said.append(
        "Seeds for 1 point: with how many seeds a true difference of one point (0.01) would be seen four times out of "
        "five, if differences vary as they did here."
    )
    return said


def choice(comparison: Comparison) -> str:
    """Return which group validation alone would choose, and that the test figures are no ground for a choice."""
    if not comparison.metric.startswith("test/"):
        return ""
    name = f"val/{comparison.metric.partition('/')[2]}"
    means = {}
    for group in comparison.groups:
        values = [run.metrics.get(name) for run in group.runs]
        numbers = [float(value) for value in values if isinstance(value, int | float)]
        if len(numbers) == len(values):
            means[group.label] = fmean(numbers)
    if len(means) < 2:
        return "Figures are of the test split. Choose by validation: a choice by test figures makes them too good."
    pick = min if comparison.lower_is_better else max
    best = pick(means, key=lambda label: means[label])
    return (
        f"Selection belongs to validation, and what was selected is told by its test figure: validation would choose "
        f"{best} ({told(means[best], comparison.metric)} {metric_words(name)}). Choosing by the test figures would "
        "make them too good."
    )


def rows(comparison: Comparison) -> list[list[Any]]:
    """Return one row a group under ``HEAD``: a text, or a pair of the text and its number, None where there is none.

    Shares are told in percent and their differences in points; the numbers are as they were measured.
    """
    metric = comparison.metric
    table = []
    for group in comparison.groups:
        effect = group.effect
        verdict = "baseline" if group is comparison.baseline else group.verdict
        row: list[Any] = [group.label, verdict, (str(len(group.values)), len(group.values))]
        row += [(told(group.mean, metric), group.mean), _cell(group.deviation, lambda value: told(value, metric))]
        if effect is None:
            row += [("-", None)] * (len(HEAD) - len(row))
        else:
            tests, mean = effect.tests, effect.difference.mean
            row += [(change(mean, metric), mean), (span(effect, metric), mean)]
            row += [_cell(effect.p_holm, _p), _cell(tests.effect, "{:+.2f}".format), _cell(tests.p_t, _p)]
            row += [_cell(tests.p_exact, _p), _cell(effect.p_exact_holm, _p), _cell(effect.seeds_needed, "{:,}".format)]
        table.append(row)
    return table


def texts(comparison: Comparison) -> list[list[str]]:
    """Return ``rows`` without the numbers."""
    return [[cell[0] if isinstance(cell, tuple) else cell for cell in row] for row in rows(comparison)]


def _cell(value: float | None, form: Callable[[float], str]) -> tuple[str, float | None]:
    return ("-", None) if value is None else (form(value), value)


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else f"{value:.1e}"


def told(value: float, metric: str) -> str:
    """Return a value of the metric as people read it."""
    return f"{value:.2%}" if is_share(metric) else f"{value:.4f}"


def change(value: float, metric: str) -> str:
    """Return a difference of the metric, in points where it is a share."""
    return f"{100 * value:+.2f}" if is_share(metric) else f"{value:+.4f}"
