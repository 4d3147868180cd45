"""Classes that a network never recognises: drowned by frequent ones, or not learnt at all.

A class counts as lost when at least 20 test examples show it and fewer than one in ten is recognised.

- ``majority_collapse`` (critical): the lost class has fewer than half as many training examples as the classes
  that are predicted in its place, on average over those mistakes. Lost classes of balanced data never count. Where
  something of the run favours rare classes already, no second correction is prescribed.
- ``underfitting`` (warning): a class is lost that is not rare in this sense, the training split itself is
  recognised by less than 90%, and the training loss of the last epoch is above half of that of the first. Runs
  that the user stopped are not judged. Where every class is drawn equally often none is rare.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lit_tricks.doctor.diagnosis import Diagnosis

LOST_RECALL = 0.1
LEAST_SUPPORT = 20
RARE = 0.5
LOW_ACCURACY = 0.9
HIGH_LOSS = 0.5
STILL_FALLING = 0.98
UNMOVED = 0.95
LEAST_EPOCHS, LEAST_UNITS, USUAL_BATCH = 20, 128, 32

# the samplers that draw all classes equally often from the first epoch on
EQUAL_DRAWS = ("balanced", "class_aware")

# the classical words that can weigh classes, and how
WEIGHTS = {word: "class_weight=balanced" for word in ("svm", "logistic_regression", "random_forest")}
WEIGHTS["svm_grid"] = "estimator.class_weight=balanced"

Epochs = Sequence[Mapping[str, float | None]]


def majority_collapse(results: Mapping[str, Any]) -> list[Diagnosis]:
    """Judge the lost classes that are rare; ``results`` as ``results.json`` holds them."""
    rare, _ = _lost(results)
    if not rare:
        return []
    name = max(rare, key=lambda each: results["per_class"][each]["support"])
    values, counts = results["per_class"][name], results["data"]["class_counts"]
    cause, prescription = _rebalanced(results) or (
        "Answering with the frequent classes alone makes most answers right.",
        _balanced(results),
    )
    return [
        Diagnosis(
            symptom="majority_collapse",
            severity="critical",
            layer=None,
            evidence=(
                f"{_lost_classes(len(rare))}, such as {name!r}: test recall {values['recall']:.3f}, "
                f"{counts[name]:,} of {sum(counts.values()):,} training examples"
            ),
            cause=cause,
            prescription=prescription,
        )
    ]


def underfitting(results: Mapping[str, Any], epochs: Epochs) -> list[Diagnosis]:
    """Judge the other lost classes, with the loss over ``epochs``."""
    _, lost = _lost(results)
    losses = [loss for row in epochs if (loss := row.get("train/loss")) is not None]
    accuracy = results["metrics"].get("train/acc")
    if not lost or not losses or accuracy is None or results.get("status") == "stopped":
        return []
    if accuracy >= LOW_ACCURACY or losses[-1] <= HIGH_LOSS * losses[0]:
        return []
    cause, prescription = _remedy(results, losses)
    return [
        Diagnosis(
            symptom="underfitting",
            severity="warning",
            layer=None,
            evidence=(
                f"{_lost_classes(len(lost))} though not rare, such as {lost[0]!r}; {accuracy:.1%} of the training "
                f"split right, training loss {losses[0]:.3g} → {losses[-1]:.3g}"
            ),
            cause=cause,
            prescription=prescription,
        )
    ]


def judgeable(results: Mapping[str, Any]) -> bool:
    """Return whether the results tell recall, training examples and mistakes of every class."""
    per_class, matrix = results.get("per_class"), results.get("confusion_matrix")
    counts = (results.get("data") or {}).get("class_counts")
    return bool(per_class and counts and matrix and per_class.keys() == counts.keys() and len(matrix) == len(counts))


def _lost(results: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the lost classes, those that are rare in training and the others."""
    rare: list[str] = []
    others: list[str] = []
    names = list(results["per_class"])
    counts = results["data"]["class_counts"]
    balanced = (results.get("words") or {}).get("sampler") in EQUAL_DRAWS or _weighted(results)
    for name, mistakes in zip(names, results["confusion_matrix"], strict=True):
        values = results["per_class"][name]
        if values["support"] < LEAST_SUPPORT or values["recall"] is None or values["recall"] >= LOST_RECALL:
            continue
        instead = {other: count for other, count in zip(names, mistakes, strict=True) if other != name}
        usual = sum(counts[other] * count for other, count in instead.items()) / sum(instead.values())
        (rare if counts[name] < RARE * usual and not balanced else others).append(name)
    return rare, others


def _weighted(results: Mapping[str, Any]) -> bool:
    return any(str(override).endswith("class_weight=balanced") for override in results.get("overrides") or ())


def _lost_classes(count: int) -> str:
    return f"{count} class{'es'[: 2 * (count > 1)]} almost never recognised"


def _remedy(results: Mapping[str, Any], losses: Sequence[float]) -> tuple[str, str]:
    """Return why a network learnt too little, and the override that fits the run."""
    overrides = [str(override) for override in results.get("overrides") or ()]
    if losses[-1] > UNMOVED * losses[0]:
        for group, remedy in (("optimizer", "optimizer=adam optimizer.lr=0.001"), ("init", "init=default")):
            if any(re.match(rf"{group}[=.]", override) for override in overrides):
                return f"The loss hardly moved: {group} does not suit the network.", remedy
    word = (results.get("words") or {}).get("model")
    falling = len(losses) < 4 or losses[-1] < STILL_FALLING * losses[-4]
    if word not in ("linear", "mlp", "cnn") or (falling and results.get("ended") != "early stopping"):
        cause = "Training ended before the network had learnt to tell the classes apart."
        return cause, _longer(results, len(losses))
    cause = "The network has too few weights to tell the classes apart."
    if word == "linear":
        return cause, "model=mlp"
    given = [override for override in overrides if override.startswith("model.hidden=")]
    units = [int(number) for number in re.findall(r"\d+", given[-1])] if given else [LEAST_UNITS]
    return cause, f"model.hidden=[{max(LEAST_UNITS, 4 * max(units, default=0))}]"


def _rebalanced(results: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return why rare classes are lost though something favours them, and the override; None where nothing does."""
    favouring = results.get("rebalances")
    if not favouring:
        return None
    words = " and ".join(favouring)
    if ((results.get("metrics") or {}).get("train/balanced_acc") or 0.0) >= LOW_ACCURACY:
        cause = f"The network knows the few rare examples by heart, which {words} made it see more of."
        return cause, "+experiment=early_stopping"
    return f"Training ended before {words} had shown in the answers.", _longer(results, 0)


def _longer(results: Mapping[str, Any], epochs: int) -> str:
    """Return the override that trains at least twice as long; ``epochs`` where the results do not know how many."""
    if results.get("ended") == "max_steps":
        return f"trainer.max_steps={2 * int(results['steps'])}"
    return f"trainer.max_epochs={max(LEAST_EPOCHS, 2 * int(results.get('epochs') or epochs))}"


def _balanced(results: Mapping[str, Any]) -> str:
    """Return the override that balances batches, with a batch size that has a place for every class.

    A classical classifier sees no batches: its classes are weighted, if need be by one that can.
    """
    if "estimator" in results:
        word = (results.get("words") or {}).get("model", "")
        return f"model.{WEIGHTS[word]}" if word in WEIGHTS else "model=svm model.class_weight=balanced"
    classes = len(results["per_class"])
    given = [
        int(size) for each in results.get("overrides") or () for size in re.findall(r"^batch_size=(\d+)$", str(each))
    ]
    enough = classes <= (given[-1] if given else USUAL_BATCH)
    return "sampler=balanced" if enough else f"sampler=balanced batch_size={classes}"
