"""Which of many runs may be compared: on the same test set, by the same metric, and none dropped in silence."""

from collections import Counter
from collections.abc import Sequence

from lit_tricks.errors import UserError
from lit_tricks.report.comparing import Comparison, compare_groups, finite
from lit_tricks.report.runs import Run, labelled, settings_of

TEST, VALIDATION = "test/acc", "val/acc"
# packages whose versions differ, told one by one
SHOWN_VERSIONS = 4


def compare_runs(runs: Sequence[Run], metric: str | None = None, baseline: str | None = None) -> list[Comparison]:
    """Return one comparison for each test set among ``runs``, the largest first; none where no run can be compared.

    Runs on different data are never compared with each other.

    Args:
        runs: as ``find_runs`` returns them.
        metric: key of ``metrics``; by default accuracy on the test split, or on validation where no run has a test.
        baseline: see ``compare_groups``.
    """
    completed = [run for run in runs if run.completed]
    known = {name for run in completed for name in run.metrics}
    if metric is not None and known and metric not in known:
        raise UserError(f"metric must be one that runs have; received '{metric}': try one of {_some(known)}")
    metric = metric or _default_metric(completed)
    sets: dict[tuple[str, str], list[Run]] = {}
    unknown = []
    for run in runs:
        if run.completed or run.data:
            sets.setdefault(_test_set(run), []).append(run)
        else:
            # it failed before it knew its data: the largest set lists it
            unknown.append(run)
    found = []
    apart = len(sets) > 1
    for place, ((name, _), members) in enumerate(sorted(sets.items(), key=lambda item: -len(item[1]))):
        own = labelled(members) if apart else members
        comparison = _within(name, own, metric, baseline, unknown if place == 0 else [])
        if comparison is not None:
            found.append(comparison)
    return found


def _within(
    name: str, runs: Sequence[Run], metric: str, baseline: str | None, unknown: Sequence[Run]
) -> Comparison | None:
    kept: list[Run] = []
    left_out = [(run, run.state) for run in unknown]
    for run in runs:
        if not run.completed:
            left_out.append((run, run.state))
        elif run.results.get("ended") == "pruned":
            left_out.append((run, "pruned: its search stopped it early"))
        elif not finite(run.metrics.get(metric)):
            left_out.append((run, f"it has no {metric}" if metric not in run.metrics else f"its {metric} is no number"))
        else:
            kept.append(run)
    if not kept:
        return None
    return compare_groups(name, metric, kept, left_out, _warnings(kept, metric), baseline)


def _warnings(runs: Sequence[Run], metric: str) -> list[str]:
    said = []
    if any("\n  val_split: test\n" in settings_of(run) for run in runs):
        said.append(
            "choices were made on the test set: data.val_split=test lets early stopping, checkpoints and searches look "
            "at it, so these figures are too good; repeat with data.val_split=stratified"
        )
    if not metric.startswith("test/"):
        said.append(f"these are figures of {metric.partition('/')[0]}, not of a test set that nothing was chosen on")
    versions: dict[str, Counter[str]] = {}
    for run in runs:
        recorded = run.results.get("versions")
        for package, version in recorded.items() if isinstance(recorded, dict) else ():
            versions.setdefault(str(package), Counter())[str(version)] += 1
    mixed = [f"{package} {', '.join(counts)}" for package, counts in versions.items() if len(counts) > 1]
    if mixed:
        said.append(f"runs of different versions are compared: {'; '.join(mixed[:SHOWN_VERSIONS])}")
    return said


def _test_set(run: Run) -> tuple[str, str]:
    """Return name and size of the test set and its classes, empty where the run knows none."""
    data = run.data
    if not data:
        return "", ""
    counts = data.get("class_counts")
    classes = list(counts) if isinstance(counts, dict) else []
    return str(data.get("name")), f"{data.get('n_test')} {classes}"


def _default_metric(runs: Sequence[Run]) -> str:
    return VALIDATION if runs and not any(TEST in run.metrics for run in runs) else TEST


def _some(names: set[str]) -> str:
    return ", ".join(sorted(name for name in names if name.startswith(("test/", "val/")))[:8] or sorted(names)[:8])
