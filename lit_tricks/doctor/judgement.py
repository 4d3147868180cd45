"""Diagnoses from what a finished run recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Diagnosis:
    """One finding: what is seen, how bad it is, where, on what evidence, why, and the override that mends it."""

    symptom: str
    severity: Literal["note", "warning", "critical"]
    layer: str | None
    evidence: str
    cause: str
    prescription: str


def diagnose(results: Mapping[str, Any], epochs: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Judge a run by its results and its epochs, each a mapping from metric name to value or None.

    Returns the content of ``diagnosis.json``: ``diagnoses`` (empty for a healthy run) and ``checks``, the
    names of the checks that could be made. Thresholds are deliberately high: a false alarm costs more
    trust than a missed note.
    """
    found: list[Diagnosis] = []
    checks: list[str] = []
    if results.get("per_class"):
        checks.append("majority_collapse")
        found += _majority_collapse(results)
    losses = [
        (trained, validated)
        for row in epochs
        if (trained := row.get("train/loss")) is not None and (validated := row.get("val/loss")) is not None
    ]
    if len(losses) >= 4:
        checks.append("overfitting")
        found += _overfitting(losses)
    return {"diagnoses": [asdict(item) for item in found], "checks": checks}


def _majority_collapse(results: Mapping[str, Any]) -> list[Diagnosis]:
    """A class that is almost never recognised (recall below .1) although at least 20 test examples show it."""
    lost = [
        (name, values["recall"], values["support"])
        for name, values in results["per_class"].items()
        if values["support"] >= 20 and values["recall"] is not None and values["recall"] < 0.1
    ]
    if not lost:
        return []
    name, recall, support = max(lost, key=lambda item: item[2])
    return [
        Diagnosis(
            symptom="majority_collapse",
            severity="critical",
            layer=None,
            evidence=f"{len(lost)} classes with test recall below 0.1, such as {name!r}: {recall:.3f} of {support}",
            cause="The network answers with the frequent classes, because that alone makes most answers right.",
            prescription="sampler=balanced",
        )
    ]


def _overfitting(losses: Sequence[tuple[float, float]]) -> list[Diagnosis]:
    """Validation loss at least 5% above its best for the last 3 epochs while training loss went on falling."""
    best = min(range(len(losses)), key=lambda epoch: losses[epoch][1])
    trained, lowest = losses[best]
    worse = len(losses) - 1 - best >= 3 and all(validated > 1.05 * lowest for _, validated in losses[-3:])
    if not worse or losses[-1][0] >= trained:
        return []
    return [
        Diagnosis(
            symptom="overfitting",
            severity="warning",
            layer=None,
            evidence=(
                f"validation loss {losses[-1][1]:.4f} after {lowest:.4f} at its best (epoch {best}), more than 5% "
                f"higher for 3 epochs; training loss fell from {trained:.4f} to {losses[-1][0]:.4f}"
            ),
            cause="The network goes on learning its training examples by heart after it has learnt what they share.",
            prescription="+experiment=early_stopping",
        )
    ]
