"""What happens after training: evaluation, figures, diagnosis, report and the table in the terminal."""

import io
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from lit_tricks.build import Built
from lit_tricks.callbacks import FirstBatch, LayerRecorder
from lit_tricks.data.augmentation import Augmentation
from lit_tricks.data.source import Examples
from lit_tricks.data.spec import DataSpec
from lit_tricks.doctor import diagnose
from lit_tricks.evaluation import evaluate_split, split_loader
from lit_tricks.files import write_atomically
from lit_tricks.loggers import TensorBoard
from lit_tricks.metrics import Evaluation
from lit_tricks.report import figures
from lit_tricks.report.run_files import Rows, read_metrics
from lit_tricks.report.run_page import write_run_report
from lit_tricks.report.tables import print_results
from lit_tricks.run_directory import RunDirectory
from lit_tricks.search.trial import in_search
from lit_tricks.stopwatch import clocked

log = logging.getLogger("lit_tricks")

SPLITS = ("train", "val", "test")
MOST_MISTAKES = 100
MOST_ORIGINALS, VERSIONS = 6, 7
HYPERPARAMETERS = (
    "data", "model", "init", "loss", "penalty", "optimizer", "scheduler", "sampler", "augmentation",
)  # fmt: skip


def conclude(
    config: Mapping[str, Any], directory: RunDirectory, built: Built, weights: Path | None, facts: dict[str, Any]
) -> dict[str, Any]:
    """Evaluate the weights in the file ``weights`` on every split and write all that a run directory holds.

    Without a file, when checkpoints are switched off, the weights in memory are evaluated. ``config`` is the
    resolved configuration, ``facts`` what the run knows already (status, seed, seconds …); the result is the
    content of ``results.json``. That is written twice: before the pictures, marked as unfinished, so that a
    failing picture costs no figure, and at the end with its real status.
    """
    # evaluation is in float32 whatever the training's precision, as it is when the checkpoint is evaluated later
    built.module.float()
    if weights is not None:
        content = torch.load(weights, map_location="cpu", weights_only=True)
        built.module.load_state_dict(content["state_dict"])
        facts["weights_epoch"] = content["epoch"] + 1
    with clocked(facts["seconds"], "evaluate"):
        found, probabilities, targets = _evaluate(built)
    facts |= _results(directory, built, weights, found)
    # complete only when everything below is there as well
    directory.write_results({**facts, "status": "failed", "reason": "evaluated, but the report was not finished"})
    if probabilities is not None and targets is not None:
        _write_predictions(directory.predictions, probabilities, targets)
    with clocked(facts["seconds"], "report"):
        rows = read_metrics(directory.path)
        diagnosis = diagnose(facts, rows)
        write_atomically(directory.diagnosis, json.dumps(diagnosis, indent=2) + "\n")
        drawn = _figures(built, found, rows, probabilities, targets)
        for name, figure in drawn.items():
            figures.save_figure(figure, directory.figures / f"{name}.png")
        _to_tensorboard(config, directory, built, drawn, facts)
    write_run_report(directory.path, facts)
    directory.write_results(facts)
    if not in_search():
        # a search shows no trial's test metrics, so that nobody chooses by them
        print_results(directory.read_results(), directory.path)
    return facts


def _evaluate(built: Built) -> tuple[dict[str, Evaluation], np.ndarray | None, np.ndarray | None]:
    built.datamodule.setup("test")
    found: dict[str, Evaluation] = {}
    probabilities = targets = None
    for split in SPLITS:
        loader = split_loader(built.datamodule, split)
        if loader is None:
            continue
        found[split], scores, labels = evaluate_split(built.module, loader)
        if split == "test":
            probabilities, targets = scores.numpy(), labels.numpy()
    return found, probabilities, targets


def _results(
    directory: RunDirectory, built: Built, weights: Path | None, found: dict[str, Evaluation]
) -> dict[str, Any]:
    judged = found.get("test") or found.get("val") or found["train"]
    return {
        "metrics": {f"{split}/{name}": value for split, one in found.items() for name, value in one.metrics.items()},
        "per_class": judged.per_class,
        "confusion_matrix": judged.confusion_matrix,
        "n_params": sum(p.numel() for p in built.module.network.parameters()),
        "epochs": built.trainer.current_epoch,
        "steps": built.trainer.global_step,
        "checkpoint": None if weights is None else str(weights.relative_to(directory.path)),
        "data": _counts(built.module.spec),
    }


def _counts(spec: DataSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "n_train": spec.n_train,
        "n_val": spec.n_val,
        "n_test": spec.n_test,
        "class_counts": dict(zip(spec.class_names, spec.class_counts, strict=True)),
    }


def _write_predictions(path: Path, probabilities: np.ndarray, targets: np.ndarray) -> None:
    """Keep the test split's predictions, so that runs can be compared example by example without their data."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, probabilities=probabilities.astype(np.float32), targets=targets)
    write_atomically(path, buffer.getvalue())


def _figures(
    built: Built,
    found: dict[str, Evaluation],
    rows: Rows,
    probabilities: np.ndarray | None,
    targets: np.ndarray | None,
) -> dict[str, Figure]:
    spec = built.module.spec
    judged = found.get("test") or found.get("val") or found["train"]
    drawn = {"confusion_matrix": figures.confusion_matrix(judged.confusion_matrix, spec.class_names)}
    if rows:
        drawn["learning_curves"] = figures.learning_curves(rows)
        drawn["learning_rate"] = figures.learning_rate_curve(rows)
    if (augmented := _augmented(built)) is not None:
        drawn["augmentation"] = augmented
    for kept in built.callbacks:
        if (
            isinstance(kept, FirstBatch)
            and spec.kind == "image"
            and kept.images is not None
            and kept.labels is not None
        ):
            drawn["first_batch"] = figures.batch_grid(kept.images, kept.labels, spec.class_names, spec.value_range)
        if isinstance(kept, LayerRecorder) and kept.layers:
            drawn["drives"] = figures.drive_histograms(kept.layers)
            drawn["layers"] = figures.layer_spread(kept.layers)
            drawn["outputs"] = figures.output_histograms(kept.outputs, spec.class_names)
    if probabilities is not None and targets is not None:
        records = figures.rank_mistakes(probabilities, targets, limit=MOST_MISTAKES)
        total = int((probabilities.argmax(1) != targets).sum())
        images = _test_images(built, [record.index for record in records]) if spec.kind == "image" else None
        if images is not None:
            drawn["misclassified"] = figures.misclassified_gallery(
                images, records, spec.class_names, spec.value_range, total
            )
        else:
            drawn["misclassified"] = figures.misclassified_table(records, spec.class_names, total)
    return drawn


def _augmented(built: Built) -> Figure | None:
    """Return a picture of an image of each class in several augmented versions, None where nothing changes images."""
    spec, augmentation = built.module.spec, built.module.augmentation
    examples = getattr(built.datamodule, "train", None)
    if spec.kind != "image" or not isinstance(augmentation, Augmentation) or not isinstance(examples, Examples):
        return None
    rows = [int((examples.y == label).nonzero()[0]) for label in examples.y.unique()[:MOST_ORIGINALS]]
    chosen = examples.take(np.asarray(rows))
    x, y = chosen.x, chosen.y
    versions, targets = augmentation(x.repeat(VERSIONS, 1, 1, 1), y.repeat(VERSIONS), [len(y)] * VERSIONS, 0, 0)
    return figures.augmentation_grid(
        x,
        versions.unflatten(0, (VERSIONS, len(y))),
        y,
        targets.unflatten(0, (VERSIONS, len(y))),
        spec.class_names,
        augmentation.names,
        spec.value_range,
    )


def _test_images(built: Built, rows: list[int]) -> torch.Tensor:
    """Return the test images at ``rows``, in their order, also from a data module that is not ours."""
    examples = getattr(built.datamodule, "test", None)
    if examples is not None and hasattr(examples, "take"):
        return examples.take(np.asarray(rows, dtype=np.int64)).x
    wanted, kept, start = set(rows), {}, 0
    for x, _ in split_loader(built.datamodule, "test"):
        kept.update({start + offset: x[offset] for offset in range(len(x)) if start + offset in wanted})
        start += len(x)
    return torch.stack([kept[row] for row in rows]) if rows else torch.zeros(0, *built.module.spec.input_shape)


def _to_tensorboard(
    config: Mapping[str, Any], directory: RunDirectory, built: Built, drawn: dict[str, Figure], facts: dict[str, Any]
) -> None:
    for logger in built.trainer.loggers:
        if isinstance(logger, TensorBoard):
            for name in drawn:
                logger.add_figure(name, directory.figures / f"{name}.png")
            final = {name: value for name, value in facts["metrics"].items() if name.startswith("test/")}
            logger.log_hyperparams(_hyperparameters(config, facts), final)
            logger.finalize("success")


def _hyperparameters(config: Mapping[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Return what distinguishes runs: words and their knobs; null knobs, paths and Hydra's keys are noise."""
    chosen: dict[str, Any] = {
        "seed": config["seed"],
        "batch_size": config["batch_size"],
        "trainer.max_epochs": config["trainer"]["max_epochs"],
        "experiment": "+".join(facts["experiment"]) or "none",
    }
    for group in HYPERPARAMETERS:
        chosen[group] = facts["data"]["name"] if group == "data" else facts["words"].get(group, "custom")
        chosen |= _knobs(config[group], group)
    return chosen


def _knobs(node: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in node.items():
        if isinstance(value, Mapping):
            found |= _knobs(value, f"{prefix}.{name}")
        elif value is not None and not name.startswith("_"):
            found[f"{prefix}.{name}"] = value
    return found
