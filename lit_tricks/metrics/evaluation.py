"""Every metric of one split from its predictions."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix

from lit_tricks.metrics.calibration import brier_score, classwise_ece
from lit_tricks.metrics.ranking import one_vs_rest_areas


@dataclass(frozen=True)
class Evaluation:
    """What one split's predictions are worth; primitives only, None where a value is undefined.

    Attributes:
        metrics: ``loss``, ``acc``, ``balanced_acc``, ``precision_macro``, ``recall_macro``, ``f1_macro``, ``auroc``,
            ``ap``, ``specificity_macro``, ``gmean``, ``mcc``, ``brier``, ``ece_macro``.
        per_class: class name → ``precision``, ``recall``, ``f1``, ``support``, ``auroc``, ``ap``, ``specificity``,
            ``ece``.
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
    probabilities: Tensor,
    targets: Tensor,
    per_example_loss: Tensor,
    class_names: Sequence[str],
    predicted: Tensor | None = None,
    class_counts: Sequence[int] | None = None,
) -> Evaluation:
    """Return every metric of a classifier's predictions.

    The predicted class is the largest probability, the first of equals, unless it is given. A class without an
    example has neither recall nor AUROC, so its row is None and macro values average over the other classes
    (scikit-learn with ``labels=present``), where torchmetrics would count it as 0 or drop it depending on
    whether something was predicted as it. A class that has examples and was never predicted has precision 0.
    ``auroc`` and ``ap`` (average precision) are one-vs-rest, averaged over the present classes; with two classes
    ``auroc`` is that of class 1, and ``ap`` that of the class with fewer training examples, class 1 where they are as
    many: of the frequent class it is high whatever is answered. ``specificity`` is the share of the other classes'
    examples that are not taken for the class; None where there are none. ``gmean`` is the geometric mean of the present
    classes' recalls, 0 where one is 0. ``mcc`` is Matthews' correlation coefficient in Gorodkin's (2004) form for K
    classes, 0 where all examples or all answers are one class.
    ``brier`` and ``ece``: see ``lit_tricks.metrics.calibration``. Rates are computed in ``float64`` from counts.

    Args:
        probabilities: (N, K) floating point; rows need not sum to one. NaN leaves AUROC undefined.
        targets: (N,) ``int64`` in [0, K).
        per_example_loss: (N,) floating point.
        class_names: K distinct names.
        predicted: (N,) ``int64`` in [0, K), where another class than that of the largest probability may be answered.
        class_counts: training examples of each of K classes; None for equally many.

    Raises:
        ValueError: when shapes disagree, N is 0, a target is out of range or a name occurs twice.
    """
    probabilities, targets = probabilities.detach().cpu(), targets.detach().cpu()
    _check(probabilities, targets, per_example_loss, class_names)
    classes = len(class_names)
    answers = probabilities.argmax(1) if predicted is None else predicted.detach().cpu()
    confusion = multiclass_confusion_matrix(answers, targets, num_classes=classes, validate_args=False).to(torch.int64)
    support, answered, hits = confusion.sum(1), confusion.sum(0), confusion.diagonal()
    present = support > 0
    precision = hits.double() / answered.clamp(min=1)
    recall = hits.double() / support.clamp(min=1)
    f1 = 2 * hits.double() / (support + answered).clamp(min=1)
    negatives = len(targets) - support
    specificity = [
        1.0 - wrong / others if others and count else None
        for wrong, others, count in zip((answered - hits).tolist(), negatives.tolist(), support.tolist(), strict=True)
    ]
    # numpy has no bfloat16, and float16 converts without loss
    scores = probabilities.to(torch.promote_types(probabilities.dtype, torch.float32))
    auroc, average_precision = one_vs_rest_areas(scores, targets)
    ece = classwise_ece(scores, targets)

    per_class: dict[str, dict[str, float | int | None]] = {}
    columns = (precision.tolist(), recall.tolist(), f1.tolist(), support.tolist())
    more = (auroc, average_precision, specificity, ece)
    for name, p, r, f, count, *others in zip(class_names, *columns, *more, strict=True):
        rates = {"precision": p, "recall": r, "f1": f} if count else dict.fromkeys(("precision", "recall", "f1"))
        extra = dict(zip(("auroc", "ap", "specificity", "ece"), others, strict=True))
        per_class[name] = {**rates, "support": count, **extra}

    rarer = 0 if class_counts is not None and class_counts[0] < class_counts[-1] else 1
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
            "ap": average_precision[rarer] if classes == 2 else _mean(average_precision),
            "specificity_macro": _mean(specificity),
            "gmean": float(recall[present].log().mean().exp()),
            "mcc": _matthews(confusion),
            "brier": brier_score(scores, targets),
            "ece_macro": _mean(ece),
        },
        per_class=per_class,
        confusion_matrix=confusion.tolist(),
        absent_classes=[name for k, name in enumerate(class_names) if not present[k]],
    )


def _matthews(confusion: Tensor) -> float:
    true, predicted = confusion.sum(1).tolist(), confusion.sum(0).tolist()
    count, right = sum(true), int(confusion.trace())
    # whole numbers of any size: a rounded denominator would make an undefined value a large one
    spread = [count**2 - sum(each**2 for each in marginal) for marginal in (true, predicted)]
    if not all(spread):
        return 0.0
    together = count * right - sum(t * p for t, p in zip(true, predicted, strict=True))
    return together / math.sqrt(spread[0] * spread[1])


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
