"""The probability from which on one of two classes is answered."""

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

Rule = Literal["none", "cost", "fitted_cost", "recall", "f1"]


@dataclass(frozen=True)
class Thresholds:
    """Every threshold that answers differently on a sample, the highest first, with what it answers.

    Attributes:
        values: (M,) falling; the positive class is answered from a value on. The first answers it never, the last
            always; the others lie midway between two neighbouring scores, so that no score rounds across one.
        hits: (M,) weighted number of positive examples answered so, of ``positives`` in all.
        alarms: (M,) weighted number of negative examples answered as positive.
        positives: weighted number of positive examples.
    """

    values: np.ndarray
    hits: np.ndarray
    alarms: np.ndarray
    positives: float

    @classmethod
    def of(cls, scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> "Thresholds":
        """Count for ``scores`` (N,) in [0, 1], ``positive`` (N,) booleans and ``weights`` (N,) of the examples."""
        order = np.argsort(-scores, kind="stable")
        ranked, is_positive, heavy = scores[order], positive[order], weights[order]
        last = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
        distinct = ranked[last]
        never = np.nextafter(max(distinct[0], 1.0), 2.0)
        between = (distinct[:-1] + distinct[1:]) / 2
        hits, alarms = np.cumsum(heavy * is_positive)[last], np.cumsum(heavy * ~is_positive)[last]
        return cls(
            np.concatenate([[never], between, [0.0]]),
            np.concatenate([[0.0], hits]),
            np.concatenate([[0.0], alarms]),
            float(hits[-1]),
        )

    @property
    def recall(self) -> np.ndarray:
        """Share of the positive examples that are found, (M,)."""
        return self.hits / self.positives

    @property
    def precision(self) -> np.ndarray:
        """Share of positive answers that are right, (M,); 1 where there is no such answer, as in PR curves."""
        answers = self.hits + self.alarms
        return np.divide(self.hits, answers, out=np.ones(len(answers)), where=answers > 0)

    @property
    def f1(self) -> np.ndarray:
        """Harmonic mean of precision and recall, (M,)."""
        return 2 * self.hits / (self.hits + self.alarms + self.positives)

    def cost(self, ratio: float) -> np.ndarray:
        """Return the cost where a missed positive costs ``ratio`` false alarms, in false alarms, (M,)."""
        return ratio * (self.positives - self.hits) + self.alarms


@dataclass(frozen=True)
class Chosen:
    """A threshold and what it does on the examples it was chosen by: their recall, precision, F1 and mean cost."""

    value: float
    recall: float
    precision: float
    f1: float
    cost: float

    def facts(self) -> dict[str, float]:
        """Return all of it but the value."""
        return {name: number for name, number in asdict(self).items() if name != "value"}


def choose_threshold(
    scores: np.ndarray, positive: np.ndarray, weights: np.ndarray, rule: Rule, cost_ratio: float, min_recall: float
) -> Chosen:
    """Return the threshold on ``scores`` that ``rule`` asks for; arguments as for ``Thresholds.of``.

    ``cost`` is 1 / (1 + ``cost_ratio``), right for calibrated probabilities whatever the sample (Elkan 2001);
    ``fitted_cost`` has the least cost on the sample; ``recall`` has, of those that find at least ``min_recall`` of the
    positive examples, the best precision and then the highest recall; ``f1`` has the largest F1. Of equals the highest.
    Both classes must occur.
    """
    found = Thresholds.of(scores, positive, weights)
    costs = found.cost(cost_ratio)
    if rule == "cost":
        value = 1 / (1 + cost_ratio)
        best = int((np.unique(scores) >= value).sum())
        return _chosen(found, best, value, costs, weights)
    if rule == "recall":
        reach = np.flatnonzero(found.recall >= min_recall * (1 - 1e-12))
        best = int(reach[np.lexsort((found.recall[reach], found.precision[reach]))[-1]])
    else:
        best = int(costs.argmin() if rule == "fitted_cost" else found.f1.argmax())
    return _chosen(found, best, float(found.values[best]), costs, weights)


def _chosen(found: Thresholds, place: int, value: float, costs: np.ndarray, weights: np.ndarray) -> Chosen:
    recall, precision, f1 = (float(rates[place]) for rates in (found.recall, found.precision, found.f1))
    return Chosen(value, recall, precision, f1, float(costs[place] / weights.sum()))
