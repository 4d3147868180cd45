"""Diagnoses from what a finished run recorded.

Its rules are ``majority_collapse`` and ``underfitting`` of ``lit_tricks.doctor.recognition``, and ``overfitting``
(warning): the validation loss was more than 5% above its best in each of the last 3 epochs while the training loss,
that of clean figures where there are any, went on falling, and the weights of the last epoch were kept. A network whose
best weights were kept has suffered nothing from the epochs after them. ``shortcut``: one small region alone decides
what is answered, see ``lit_tricks.doctor.intervention``; a warning, since the region may hold what is to be recognised.
Where accuracy on test images lies more than .1 below that on validation images it is critical, and that many answers
follow the region is enough: a cue that only some of the images carry does the same harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lit_tricks.doctor.diagnosis import Diagnosis
from lit_tricks.doctor.intervention import FOLLOWED
from lit_tricks.doctor.recognition import judgeable, majority_collapse, underfitting

LEAST_EPOCHS = 4
COLLAPSED = 0.1


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
        if (trained := row.get("train_clean/loss", row.get("train/loss"))) is not None
        and (validated := row.get("val/loss")) is not None
    ]
    if len(losses) >= LEAST_EPOCHS:
        checks.append("overfitting")
        if not str(results.get("checkpoint")).endswith("best.ckpt"):
            found += _overfitting(losses)
    if results.get("intervention") is not None:
        checks.append("shortcut")
        found += _shortcut(results)
    return {"diagnoses": [asdict(item) for item in found], "checks": checks}


def _shortcut(results: Mapping[str, Any]) -> list[Diagnosis]:
    """Judge ``intervention``, an ``Intervention``'s facts, beside the accuracies.

    Where the facts say what ``masked_region`` the data have, None for none, it can be prescribed.
    """
    seen = results["intervention"]
    fallen = _fallen(results["metrics"])
    followed_by_many = seen["followed_low"] > FOLLOWED and seen["elsewhere"] < seen["followed"] / 2
    if not seen["found"] and not (fallen and followed_by_many):
        return []
    top, left, height, width = seen["region"]
    masked = seen.get("masked_region") or []
    # one region is a list of numbers, several are a list of lists
    others = [masked] if masked and not isinstance(masked[0], Sequence) else list(masked)
    regions = ",".join(f"[{','.join(map(str, region))}]" for region in [*others, seen["region"]])
    return [
        Diagnosis(
            symptom="shortcut",
            severity="critical" if fallen else "warning",
            layer=None,
            evidence=(
                f"rows {top} to {top + height - 1}, columns {left} to {left + width - 1} "
                f"({seen['share_of_image']:.0%} of the image) of another image take "
                f"{seen['followed']:.0%} of the answers along, at most {seen['elsewhere']:.0%} elsewhere{fallen}"
            ),
            cause="What one small region shows tells the class, so the network learns little of the rest.",
            prescription=(
                f"data.masked_region={f'[{regions}]' if others else regions}" if "masked_region" in seen else ""
            ),
        )
    ]


def _fallen(metrics: Mapping[str, Any]) -> str:
    """Say how far accuracy on test images lies below that on validation images, nothing where it does not.

    Balanced accuracy has to fall as well: other shares of the classes are no sign of a shortcut.
    """
    pairs = [[metrics.get(f"{split}/{name}") for split in ("val", "test")] for name in ("acc", "balanced_acc")]
    known = [(validated, tested) for validated, tested in pairs if validated is not None and tested is not None]
    if not known or min(validated - tested for validated, tested in known) <= COLLAPSED:
        return ""
    return f"; accuracy {known[0][0]:.1%} in validation, {known[0][1]:.1%} on test images"


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
