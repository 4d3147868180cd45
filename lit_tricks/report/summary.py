"""What one run amounts to, in words and small tables; shared by the terminal and the page."""

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lit_tricks.groups import DISTINGUISHING
from lit_tricks.report.page import number

METRICS = {
    "loss": "loss",
    "acc": "accuracy",
    "balanced_acc": "balanced accuracy",
    "precision_macro": "precision (macro)",
    "recall_macro": "recall (macro)",
    "f1_macro": "F1 (macro)",
    "auroc": "AUROC",
    "ap": "average precision",
    "specificity_macro": "specificity (macro)",
    "gmean": "G-mean",
    "mcc": "MCC",
    "brier": "Brier score",
    "ece_macro": "ECE (macro)",
}
SPLITS = {"train": "training", "val": "validation", "test": "test"}
GROUPS = (*DISTINGUISHING, "trainer")
MAJORITY = 0.8
PER_CLASS = {
    "support": "examples",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "auroc": "AUROC",
    "ap": "average precision",
    "specificity": "specificity",
    "ece": "ECE",
}


def metric_table(results: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Return the head and the rows of metrics × splits, without splits that have no value.

    After a correction the test split, or the one that takes its place, has a further column, without it. Of a study
    they are what was studied × figures.
    """
    metrics = _mapping(results.get("metrics"))
    if "study" in results:
        return _finding_table(metrics)
    splits = [split for split in SPLITS if any(str(name).startswith(f"{split}/") for name in metrics)]
    known = [name for name in METRICS if any(f"{split}/{name}" in metrics for split in splits)]
    others = {str(key).split("/", 1)[1] for key in metrics if str(key).split("/", 1)[0] in splits}
    rows = [
        [METRICS.get(name, name), *(metrics.get(f"{split}/{name}") for split in splits)]
        for name in [*known, *sorted(others - set(known))]
    ]
    head = ["", *(SPLITS[split] for split in splits)]
    plain = _mapping(_mapping(results.get("uncorrected")).get("metrics"))
    if plain and splits:
        head.append("uncorrected")
        for name, row in zip([*known, *sorted(others - set(known))], rows, strict=True):
            row.append(plain.get(f"{splits[-1]}/{name}"))
    return head, rows


def correction_table(results: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Return the head and the rows of what was fitted after training, in the order in which it is applied."""
    rows: list[list[Any]] = []
    correction = _mapping(results.get("correction"))
    evidence = _mapping(correction.get("evidence"))
    names = list(_mapping(_mapping(results.get("data")).get("class_counts")))
    if prior := _mapping(evidence.get("prior")):
        shares = zip(names, prior.get("learned") or [], prior.get("target") or [], strict=False)
        told = ", ".join(f"{name} {number(learned)} → {number(target)}" for name, learned, target in shares)
        rows.append(["prior", f"tau {prior.get('tau')}", told])
    if scaled := _mapping(evidence.get("temperature")):
        told = f"NLL {number(scaled.get('nll_before'))} → {number(scaled.get('nll_after'))}"
        rows.append(["temperature", correction.get("temperature"), told])
    positive = correction.get("positive")
    if (chosen := _mapping(evidence.get("threshold"))) and isinstance(positive, int) and positive < len(names):
        rates = ", ".join(f"{name} {number(chosen.get(name))}" for name in ("recall", "precision", "f1", "cost"))
        told = f"{names[positive]}, by {chosen.get('rule')}: {rates}"
        rows.append(["threshold", correction.get("threshold"), told])
    return ["", "value", "fitted on validation"], rows


def _finding_table(metrics: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Return the head and the rows of a study's metrics: ``adam/loss`` stands in row ``adam``, column ``loss``."""
    pairs = {name: tuple(str(name).rpartition("/")[::2]) for name in metrics}
    columns = list(dict.fromkeys(column for _, column in pairs.values()))
    cells = {pair: metrics[name] for name, pair in pairs.items()}
    rows = [[row, *(cells.get((row, column)) for column in columns)] for row in dict.fromkeys(r for r, _ in cells)]
    return ["", *(column.replace("_", " ") for column in columns)], rows


def layer_table(results: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Return the head and the rows of a dense network's layers, the last their sum; no rows where none are known."""
    layers = [layer for layer in results.get("layers") or [] if isinstance(layer, Mapping)]
    rows: list[list[Any]] = []
    for layer in layers:
        weights, biases = (value if isinstance(value := layer.get(key), int) else 0 for key in ("weights", "biases"))
        shape = f"(batch, {layer.get('units')})"
        rows.append([layer.get("name"), layer.get("kind"), shape, weights, biases, weights + biases])
    if rows:
        rows.append(["in all", "", "", *(sum(row[column] for row in rows) for column in (3, 4, 5))])
    return ["layer", "kind", "output shape", "weights", "biases", "parameters"], rows


def class_table(results: Mapping[str, Any], keys: Iterable[str] = PER_CLASS) -> tuple[list[str], list[list[Any]]]:
    """Return the head and the rows, by ``keys``, of one line per class of the split that ``judged_split`` names."""
    columns = {key: PER_CLASS[key] for key in keys}
    rows = []
    for name, values in _mapping(results.get("per_class")).items():
        if isinstance(values, Mapping):
            rows.append([name, *(values.get(key) for key in columns)])
    return ["class", *columns.values()], rows


def judged_split(results: Mapping[str, Any]) -> str:
    """Return the split that ``per_class`` and ``confusion_matrix`` describe: the test split where there is one."""
    metrics = _mapping(results.get("metrics"))
    return next((SPLITS[split] for split in ("test", "val", "train") if f"{split}/acc" in metrics), "test")


def words(results: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, str]:
    """Return the word each group was chosen by.

    Taken from ``results["words"]`` and the overrides; a group left at its default is named after its class, and
    data by the name it goes by, which for a user's own is that of the file or folder.
    """
    found: dict[str, str] = {}
    for group in GROUPS:
        target = _mapping(config.get(group)).get("_target_")
        if isinstance(target, str):
            found[group] = target.rsplit(".", 1)[-1].removesuffix("DataModule")
    for override in overrides(results):
        group, _, word = override.partition("=")
        if group in GROUPS:
            found[group] = word
    found |= {str(group): str(word) for group, word in _mapping(results.get("words")).items()}
    name = _mapping(results.get("data")).get("name")
    return found | ({"data": str(name)} if name else {})


def overrides(results: Mapping[str, Any]) -> list[str]:
    """Return the overrides of the command line as they were given."""
    given = results.get("overrides")
    return [str(override) for override in given] if isinstance(given, list) else []


def command(results: Mapping[str, Any]) -> str:
    """Return the command that repeats the run, quoted for a shell."""
    kept = [override for override in overrides(results) if not override.startswith("resume=")]
    return shlex.join(["python", "train.py", *kept])


def curves(run_dir: Path) -> str:
    """Return the command that shows this run's curves beside those of its neighbours."""
    return f"tensorboard --logdir {shlex.quote(near(run_dir.resolve().parent))}"


def near(path: Path) -> str:
    """Return ``path`` relative to the working directory when it lies inside."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def measured(results: Mapping[str, Any]) -> str | None:
    """Return which weights the metrics belong to and whether training stopped early; None when nobody knows."""
    epoch, checkpoint = results.get("weights_epoch"), results.get("checkpoint")
    if (epoch is None and not checkpoint) or "estimator" in results:
        return None
    text = "weights of the last epoch"
    if Path(str(checkpoint)).name.startswith("best"):
        text = "weights of the best epoch" if epoch is None else f"weights of epoch {epoch} (best)"
    if results.get("ended") == "early stopping":
        text += f"; stopped early after epoch {results.get('epochs')}"
    if results.get("ended") == "pruned":
        text += f"; pruned by its search after epoch {results.get('epochs')}"
    return text


def sampling(results: Mapping[str, Any]) -> str | None:
    """Return how far the accuracy could have come out otherwise on another test set of this size; None without one."""
    from lit_tricks.report.one_test_set import bootstrap_interval

    matrix = results.get("confusion_matrix")
    accuracy = _mapping(results.get("metrics")).get("test/acc")
    if not isinstance(accuracy, int | float) or not isinstance(matrix, list):
        return None
    if not all(isinstance(row, list) and len(row) == len(matrix) for row in matrix) or not sum(map(sum, matrix)):
        return None
    low, high = bootstrap_interval(matrix)
    return (
        f"On {_tested(results)}test examples the accuracy of this model is known to {low:.2%} to {high:.2%} (95% "
        "interval, bootstrap). How much another seed would change it only further seeds tell."
    )


def sentence(results: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Return the one sentence that says what came out, or why nothing did."""
    if isinstance(finding := results.get("finding"), str):
        return finding
    chosen = words(results, config)
    experiments = results.get("experiment") or []
    tricks = experiments if isinstance(experiments, list) else [experiments]
    seed = results.get("seed", config.get("seed"))
    what = " with ".join(chosen[group] for group in ("data", "model") if group in chosen)
    about = ", ".join(filter(None, [what, *map(str, tricks), "" if seed is None else f"seed {seed}"]))
    accuracy = _mapping(results.get("metrics")).get("test/acc")
    if isinstance(accuracy, int | float):
        outcome = f"{accuracy:.2%} of {_tested(results)}test examples right{_balanced(results)}"
    elif not results:
        outcome = "No results were found"
    else:
        outcome = f"The run {_STATUS.get(str(results.get('status')), 'has no test result')}"
    return f"{outcome}: {about}" if about else outcome


_STATUS = {"failed": "failed", "stopped": "was stopped before its test"}


def _balanced(results: Mapping[str, Any]) -> str:
    """Return the balanced accuracy where one class is so frequent that accuracy alone says little."""
    counts = _mapping(_mapping(results.get("data")).get("class_counts")).values()
    sizes = [count for count in counts if isinstance(count, int)]
    balanced = _mapping(results.get("metrics")).get("test/balanced_acc")
    if not sizes or max(sizes) < MAJORITY * sum(sizes) or not isinstance(balanced, int | float):
        return ""
    return f", balanced accuracy {balanced:.2%}"


def _tested(results: Mapping[str, Any]) -> str:
    matrix = results.get("confusion_matrix")
    if not isinstance(matrix, list) or not all(isinstance(row, list) for row in matrix):
        return ""
    return f"{sum(sum(row) for row in matrix):,} "


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
