"""What many runs say about each other: every group of runs against a baseline, paired by seed."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lit_tricks.errors import UserError
from lit_tricks.report.runs import Run, grouped
from lit_tricks.report.statistics import (
    PairedDifference,
    PairedTests,
    holm,
    paired_difference,
    paired_tests,
    pairs_needed,
)

BASELINE = "baseline"
LEVEL = 0.05
# one point of a share, in the unit of the metric; what the seeds needed are counted for
POINT = 0.01
LOWER_IS_BETTER = ("loss", "brier", "ece_macro")
NO_EFFECT = "no detectable effect"
NO_TEST = "one seed: no test"
NO_PAIRS = "no common seed: no test"


@dataclass(frozen=True)
class Effect:
    """One group against the baseline.

    Attributes:
        difference: of the metric, group minus baseline, over the pairs.
        tests: None without a pair.
        p_holm: ``tests.p`` adjusted for all groups that were compared, None without a test.
        p_exact_holm: the same of ``tests.p_exact``.
        seeds_needed: pairs whose t test would see a difference of one point with a probability of 80%.
        verdict: ``helps``, ``hurts``, ``no detectable effect`` or why there is no test.
    """

    difference: PairedDifference
    tests: PairedTests
    p_holm: float | None = None
    p_exact_holm: float | None = None
    seeds_needed: int | None = None
    verdict: str = NO_TEST


@dataclass(frozen=True)
class Group:
    """The runs that differ in nothing but what repeats a run.

    Attributes:
        label: what they have in common and the others do not.
        runs: those that count, by seed.
        values: the metric of each.
        effect: against the baseline; None for the baseline and where no seed is common.
    """

    label: str
    runs: tuple[Run, ...]
    values: tuple[float, ...]
    effect: Effect | None = None

    @property
    def mean(self) -> float:
        """Mean of the metric."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation of the metric, None for one run."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def verdict(self) -> str:
        """What is to be said about the group beside the baseline."""
        return NO_PAIRS if self.effect is None else self.effect.verdict


@dataclass(frozen=True)
class Comparison:
    """Groups of runs that were measured on the same test set.

    Attributes:
        data: name of the data.
        metric: such as ``test/acc``.
        baseline: the group that the others are compared with, the first of ``groups``.
        groups: baseline first, then in the order of the runs.
        left_out: runs that do not count, with the reason.
        warnings: what a reader must know before believing the figures.
    """

    data: str
    metric: str
    groups: tuple[Group, ...]
    left_out: tuple[tuple[Run, str], ...]
    warnings: tuple[str, ...]

    @property
    def baseline(self) -> Group:
        """The group that the others are compared with."""
        return self.groups[0]

    @property
    def others(self) -> tuple[Group, ...]:
        """The groups that are compared with the baseline."""
        return self.groups[1:]

    @property
    def lower_is_better(self) -> bool:
        """Whether the metric is a loss or an error."""
        return self.metric.rpartition("/")[2] in LOWER_IS_BETTER


def compare_groups(
    data: str,
    metric: str,
    runs: Sequence[Run],
    left_out: Sequence[tuple[Run, str]] = (),
    warnings: Sequence[str] = (),
    baseline: str | None = None,
) -> Comparison:
    """Compare the groups among ``runs``, all completed and with a finite ``metric``, with one of them.

    Pairs are runs with the same seed and fold. A verdict is a two-sided paired t test at 5% after Holm's correction
    over all groups; where the differences do not vary it is the exact test.

    Args:
        data: name of the data.
        metric: key of ``results.json``'s ``metrics``.
        runs: at least one.
        left_out: runs that do not count, with the reason; repeats of a run with the same seed join them.
        warnings: what is known already.
        baseline: label of the group to compare with; by default the one called ``baseline``, else the first.
    """
    kept, repeats = _each_pair_once(runs)
    groups = [_group(label, members, metric) for label, members in grouped(kept).items()]
    first = _baseline(groups, baseline)
    others = [_against(first, group) for group in groups if group is not first]
    lower = metric.rpartition("/")[2] in LOWER_IS_BETTER
    ordered = (first, *_judged(others, lower))
    return Comparison(data, metric, ordered, (*left_out, *repeats), (*warnings, *_unpaired(ordered)))


def _each_pair_once(runs: Sequence[Run]) -> tuple[list[Run], list[tuple[Run, str]]]:
    kept: dict[tuple[str, tuple[int, str]], Run] = {}
    repeats = []
    for run in runs:
        first = kept.setdefault((run.label, run.pair), run)
        if first is not run:
            repeats.append((run, f"the same as {first.path}: group and seed"))
    return list(kept.values()), repeats


def _group(label: str, runs: Sequence[Run], metric: str) -> Group:
    ordered = sorted(runs, key=lambda run: run.pair)
    return Group(label, tuple(ordered), tuple(float(run.metrics[metric]) for run in ordered))


def _baseline(groups: Sequence[Group], wanted: str | None) -> Group:
    named = {group.label: group for group in groups}
    if wanted is None:
        return named.get(BASELINE, groups[0])
    if wanted not in named:
        labels = ", ".join(map(repr, named))
        raise UserError(f"baseline must be one of the groups; received '{wanted}': choose among {labels}")
    return named[wanted]


def _against(baseline: Group, group: Group) -> Group:
    before = {run.pair: value for run, value in zip(baseline.runs, baseline.values, strict=True)}
    after = {run.pair: value for run, value in zip(group.runs, group.values, strict=True)}
    common = [pair for pair in after if pair in before]
    if not common:
        return group
    paired = [before[pair] for pair in common], [after[pair] for pair in common]
    tests = paired_tests(*paired)
    needed = pairs_needed(tests.deviation, POINT) if len(common) > 1 else None
    return replace(group, effect=Effect(paired_difference(*paired), tests, seeds_needed=needed))


def _judged(groups: Sequence[Group], lower_is_better: bool) -> list[Group]:
    """Return the groups with adjusted p values and verdicts."""
    tested = [group.effect for group in groups if group.effect is not None and group.effect.tests.p is not None]
    adjusted = iter(holm([effect.tests.p for effect in tested if effect.tests.p is not None]))
    exact = iter(holm([effect.tests.p_exact for effect in tested if effect.tests.p_exact is not None]))
    judged = []
    for group in groups:
        effect = group.effect
        if effect is not None and effect.tests.p is not None:
            p_holm = next(adjusted)
            better = effect.difference.mean < 0 if lower_is_better else effect.difference.mean > 0
            verdict = ("helps" if better else "hurts") if p_holm < LEVEL else NO_EFFECT
            effect = replace(effect, p_holm=p_holm, p_exact_holm=next(exact), verdict=verdict)
        judged.append(replace(group, effect=effect))
    return judged


def _unpaired(groups: Sequence[Group]) -> list[str]:
    """Say which seeds have no partner in the baseline and the other way round."""
    pairs = {run.pair for run in groups[0].runs}
    said = []
    for group in groups[1:]:
        lacking = sorted(pairs ^ {run.pair for run in group.runs})
        if lacking and group.effect is not None:
            names = ", ".join(_named(pair) for pair in lacking)
            said.append(f"{group.label} and {groups[0].label} do not share {names}: left out of their difference")
    return said


def _named(pair: tuple[int, str]) -> str:
    seed, fold = pair
    return f"seed {seed}" + (f" fold {fold}" if fold else "")


def finite(value: object) -> bool:
    """Return whether ``value`` is a number that can be averaged."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
