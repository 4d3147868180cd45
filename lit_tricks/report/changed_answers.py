"""What one trained model mends and another breaks on the same test set, example by example."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from lit_tricks.report.comparing import Comparison, Group
from lit_tricks.report.kept_mistakes import KeptMistakes
from lit_tricks.report.one_test_set import mcnemar
from lit_tricks.report.run_files import read_arrays
from lit_tricks.report.runs import Run
from lit_tricks.report.sheet import Sheet
from lit_tricks.report.style import GREEN, INK, SOFT, VERMILION, class_labels, headline, printable

MOST_IMAGES = 24
MOST_GROUPS = 3


@dataclass(frozen=True)
class ChangedAnswers:
    """Two runs with one seed on one test set.

    Attributes:
        label: of the group; ``baseline`` is that of the other one.
        pair: the runs, baseline first.
        targets: (N,) true classes.
        answers: (2, N) predicted classes, baseline first.
        counts: examples that the group's run mends and breaks, with McNemar's exact p value.
    """

    label: str
    baseline: str
    pair: tuple[Run, Run]
    targets: np.ndarray
    answers: np.ndarray
    counts: tuple[int, int, float]

    @property
    def mended(self) -> np.ndarray:
        """Positions that only the group's run recognises."""
        return np.flatnonzero((self.answers[1] == self.targets) & (self.answers[0] != self.targets))

    @property
    def broken(self) -> np.ndarray:
        """Positions that only the baseline's run recognises."""
        return np.flatnonzero((self.answers[0] == self.targets) & (self.answers[1] != self.targets))

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, their numbers where the run recorded no names."""
        classes = int(max(self.targets.max(), self.answers.max())) + 1
        per_class = self.pair[0].results.get("per_class")
        known = [str(name) for name in per_class] if isinstance(per_class, dict) else []
        return known if len(known) >= classes else [str(k) for k in range(classes)]

    def sentence(self) -> str:
        """Say what changed between the two trained models, and what that says."""
        mended, broken, p = self.counts
        seed = self.pair[0].seed
        surely = "they differ" if p < 0.05 else "that is no detectable difference"
        return (
            f"With seed {seed}, of {len(self.targets):,} test examples {self.label} mends {mended:,} that "
            f"{self.baseline} gets wrong and breaks {broken:,} that it gets right: {surely} (McNemar, exact p = "
            f"{p:.2g}). This is about these two trained models; what the setting does on average only seeds tell."
        )


def changed_answers(comparison: Comparison) -> list[ChangedAnswers]:
    """Return what changed in the first common seed, for up to 3 groups, the largest differences first.

    Groups whose runs left no predictions of the same test examples are left out.
    """
    others = sorted((g for g in comparison.others if g.effect is not None), key=lambda group: -abs(_mean(group)))
    before = {run.pair: run for run in comparison.baseline.runs}
    found = []
    for group in others[:MOST_GROUPS]:
        run = next(run for run in group.runs if run.pair in before)
        first, second = _answers(before[run.pair].path), _answers(run.path)
        if first is None or second is None or not np.array_equal(first[1], second[1]):
            continue
        answers, targets = np.stack([first[0], second[0]]), first[1]
        right = answers == targets
        pair = before[run.pair], run
        found.append(
            ChangedAnswers(group.label, comparison.baseline.label, pair, targets, answers, mcnemar(right[0], right[1]))
        )
    return found


def changed_galleries(changed: ChangedAnswers) -> list[Figure]:
    """Draw up to 24 of the images that are mended, and of those that are broken, as far as the runs kept them."""
    before, after = (KeptMistakes.read(run.path) for run in changed.pair)
    titles = f"Mended by {printable(changed.label)}", f"Broken by {printable(changed.label)}"
    drawn = []
    for kept, wanted, title in zip((before, after), (changed.mended, changed.broken), titles, strict=True):
        if kept is None:
            continue
        shown = np.flatnonzero(np.isin(kept.index, wanted))[:MOST_IMAGES]
        if len(shown):
            drawn.append(_gallery(changed, kept, shown, f"{title}: {len(shown)} of {len(wanted):,}"))
    return drawn


def _gallery(changed: ChangedAnswers, kept: KeptMistakes, shown: np.ndarray, title: str) -> Figure:
    names = class_labels(changed.class_names, 12)
    sheet = Sheet(len(shown), columns=6, width=1.25, lines=4)
    sheet.fill(picture / 255 for picture in kept.images[shown])
    for place, index in enumerate(kept.index[shown]):
        first, second = changed.answers[:, index]
        colours = [GREEN if answer == changed.targets[index] else VERMILION for answer in (first, second)]
        sheet.write(place, 0, names[changed.targets[index]], 8, INK)
        sheet.write(place, 1, f"before: {names[first]}", 7, colours[0])
        sheet.write(place, 2, f"after: {names[second]}", 7, colours[1])
        sheet.write(place, 3, f"#{index}", 7, SOFT)
    headline(sheet.figure, title)
    return sheet.figure


def changed_rows(changed: ChangedAnswers, most: int = 15) -> list[list[str]]:
    """Return position, true class and both answers of the first mended and broken examples."""
    names = changed.class_names
    return [
        [f"#{index}", word, *(names[label] for label in (changed.targets[index], *changed.answers[:, index]))]
        for word, places in (("mended", changed.mended), ("broken", changed.broken))
        for index in places[:most]
    ]


def _mean(group: Group) -> float:
    return 0.0 if group.effect is None else group.effect.difference.mean


def _answers(run_dir: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Return predicted and true classes (N,) of the test split, None where a run left none that can be read."""
    found = read_arrays(run_dir / "predictions.npz", "probabilities", "targets")
    if found is None:
        return None
    probabilities, targets = found
    whole = probabilities.ndim == 2 and probabilities.size and targets.shape == probabilities.shape[:1]
    if not whole or targets.dtype.kind not in "iu" or targets.min() < 0:
        return None
    return probabilities.argmax(1), targets
