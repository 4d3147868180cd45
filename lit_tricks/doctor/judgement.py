"""Diagnoses from what a finished run recorded.

Its rules are ``majority_collapse`` and ``underfitting`` of ``lit_tricks.doctor.recognition``, and ``overfitting``
(warning): the validation loss was more than 5% above its best in each of the last 3 epochs while the training
loss went on falling, and the weights of the last epoch were kept. A network whose best weights were kept has
suffered nothing from the epochs after them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lit_tricks.doctor.diagnosis import Diagnosis
from lit_tricks.doctor.recognition import judgeable, majority_collapse, underfitting

LEAST_EPOCHS = 4


def diagnose(results: Mapping[str, Any], epochs: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Judge a run by its results and its epochs, each a mapping from metric name to value or None.

    Returns the content of ``diagnosis.json``: ``diagnoses`` (empty for a healthy run) and ``checks``, the
    names of the checks that could be made. Thresholds are deliberately high: a false alarm costs more
    trust than a missed note. Epochs are counted from 1 in what is said, from 0 in ``epochs``.
    """
    found: list[Diagnosis] = []
    checks: list[str] = []
    if judgeable(results):
        checks.append("majority_collapse")
        found += majority_collapse(results)
        if (results.get("metrics") or {}).get("train/acc") is not None and epochs:
            checks.append("underfitting")
            found += underfitting(results, epochs)
    losses = [
        (position if (epoch := row.get("epoch")) is None else int(epoch), trained, validated)
        for position, row in enumerate(epochs)
        if (trained := row.get("train/loss")) is not None and (validated := row.get("val/loss")) is not None
    ]
    if len(losses) >= LEAST_EPOCHS:
        checks.append("overfitting")
        if not str(results.get("checkpoint")).endswith("best.ckpt"):
            found += _overfitting(losses)
    return {"diagnoses": [asdict(item) for item in found], "checks": checks}


def _overfitting(losses: Sequence[tuple[int, float, float]]) -> list[Diagnosis]:
    """Judge (epoch, training loss, validation loss) of at least ``LEAST_EPOCHS`` epochs."""
    best = min(range(len(losses)), key=lambda position: losses[position][2])
    epoch, trained, lowest = losses[best]
    worse = len(losses) - 1 - best >= 3 and all(validated > 1.05 * lowest for *_, validated in losses[-3:])
    if not worse or losses[-1][1] >= trained:
        return []
    return [
        Diagnosis(
            symptom="overfitting",
            severity="warning",
            layer=None,
            evidence=(
                f"validation loss {losses[-1][2]:.4f} after {lowest:.4f} at its best (epoch {epoch + 1}); "
                f"training loss fell from {trained:.4f} to {losses[-1][1]:.4f}"
            ),
            cause="The network goes on learning its training examples by heart after it has learnt what they share.",
            prescription="+experiment=early_stopping",
        )
    ]
