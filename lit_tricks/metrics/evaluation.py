"""Every metric of one split from its predictions."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.classification import binary_auroc, multiclass_confusion_matrix


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
    auroc = [_auroc(probabilities[:, k], targets == k) for k in range(classes)]

    per_class: dict[str, dict[str, float | int | None]] = {}
    for k, name in enumerate(class_names):
        rates = {"precision": precision[k], "recall": recall[k], "f1": f1[k]}
        row: dict[str, float | int | None] = {key: float(value) if present[k] else None for key, value in rates.items()}
        per_class[name] = row | {"support": int(support[k]), "auroc": auroc[k]}

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


def _auroc(scores: Tensor, positive: Tensor) -> float | None:
    """Return the chance that a positive outranks a negative, ties counting half; None when undefined."""
    if positive.all() or not positive.any() or scores.isnan().any():
        return None
    # Ranks are all that counts; they keep torchmetrics from squashing values outside [0, 1] through a
    # sigmoid, which in float32 makes distinct large ones equal.
    ranks = scores.unique(return_inverse=True)[1].double()
    return float(binary_auroc(ranks / ranks.max().clamp(min=1), positive.long(), validate_args=False))


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
