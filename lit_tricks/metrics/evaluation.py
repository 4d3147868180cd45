"""Every metric of one split from its predictions."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix

from lit_tricks.metrics.auroc import one_vs_rest_auroc


@dataclass(frozen=True)
class Evaluation:
    """What one split's predictions are worth; primitives only, None where a value is undefined.

    Attributes:
        metrics: ``loss``, ``acc``, ``balanced_acc``, ``precision_macro``, ``recall_macro``, ``f1_macro``, ``auroc``.
        per_class: class name → ``precision``, ``recall``, ``f1``, ``support``, ``auroc``.
        confusion_matrix: (K, K) counts, rows true, columns predicted.
        absent_classes: names of the classes without an example, which no macro value includes.
    """

    metrics: dict[str, float | None]
    per_class: dict[str, dict[str, float | int | None]]
    confusion_matrix: list[list[int]]
    absent_classes: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as nested primitives, ready for JSON."""
        return asdict(self)


def evaluate_predictions(
    probabilities: Tensor, targets: Tensor, per_example_loss: Tensor, class_names: Sequence[str]
) -> Evaluation:
    """Return every metric of a classifier's predictions.

    The predicted class is the largest probability, the first of equals. A class without an example has
    neither recall nor AUROC, so its row is None and macro values average over the other classes
    (scikit-learn with ``labels=present``), where torchmetrics would count it as 0 or drop it depending on
    whether something was predicted as it. A class that has examples and was never predicted has precision 0.
    ``auroc`` is one-vs-rest, averaged over the present classes; with two classes it is that of class 1.
    Rates are computed in ``float64`` from counts.

    Args:
        probabilities: (N, K) floating point; rows need not sum to one. NaN leaves AUROC undefined.
        targets: (N,) ``int64`` in [0, K).
        per_example_loss: (N,) floating point.
        class_names: K distinct names.

    Raises:
        ValueError: when shapes disagree, N is 0, a target is out of range or a name occurs twice.
    """
    probabilities, targets = probabilities.detach().cpu(), targets.detach().cpu()
    _check(probabilities, targets, per_example_loss, class_names)
    classes = len(class_names)
    confusion = multiclass_confusion_matrix(
        probabilities.argmax(1), targets, num_classes=classes, validate_args=False
    ).to(torch.int64)
    support, predicted, hits = confusion.sum(1), confusion.sum(0), confusion.diagonal()
    present = support > 0
    precision = hits.double() / predicted.clamp(min=1)
    recall = hits.double() / support.clamp(min=1)
    f1 = 2 * hits.double() / (support + predicted).clamp(min=1)
    # numpy has no bfloat16, and float16 converts without loss
    auroc = one_vs_rest_auroc(probabilities.to(torch.promote_types(probabilities.dtype, torch.float32)), targets)

    per_class: dict[str, dict[str, float | int | None]] = {}
    columns = (precision.tolist(), recall.tolist(), f1.tolist(), support.tolist(), auroc)
    for name, p, r, f, count, area in zip(class_names, *columns, strict=True):
        rates = {"precision": p, "recall": r, "f1": f} if count else dict.fromkeys(("precision", "recall", "f1"))
        per_class[name] = {**rates, "support": count, "auroc": area}

    balanced = float(recall[present].mean())
    return Evaluation(
        metrics={
            "loss": _finite(float(per_example_loss.detach().double().mean())),
            "acc": float(hits.sum()) / len(targets),
            "balanced_acc": balanced,
            "precision_macro": float(precision[present].mean()),
            "recall_macro": balanced,
            "f1_macro": float(f1[present].mean()),
            "auroc": auroc[1] if classes == 2 else _mean(auroc),
        },
        per_class=per_class,
        confusion_matrix=confusion.tolist(),
        absent_classes=[name for k, name in enumerate(class_names) if not present[k]],
    )


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _check(probabilities: Tensor, targets: Tensor, losses: Tensor, class_names: Sequence[str]) -> None:
    count, classes = len(targets), len(class_names)
    if probabilities.shape != (count, classes) or targets.shape != (count,) or losses.shape != (count,):
        raise ValueError(
            f"probabilities must be (N, {classes}), targets and losses (N,); received "
            f"{tuple(probabilities.shape)}, {tuple(targets.shape)} and {tuple(losses.shape)}"
        )
    if count == 0:
        raise ValueError("an evaluation needs at least one example; received none")
    if targets.min() < 0 or targets.max() >= classes:
        raise ValueError(f"targets must lie in [0, {classes}); received {int(targets.min())} to {int(targets.max())}")
    if len(set(class_names)) != classes:
        raise ValueError(f"class names must differ; received {list(class_names)}")
