"""One configuration of a classical classifier, from its data to a complete run directory."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from sklearn.base import is_classifier
from torch import nn

from lit_tricks.build import Built, build_datamodule
from lit_tricks.build_trainer import build_trainer
from lit_tricks.classical import GridSearch, SearchTable, estimator_facts, fit_estimator
from lit_tricks.classical.storage import SUFFIX, Stored, pack
from lit_tricks.classical_module import classifier_module
from lit_tricks.conclusion import conclude
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError
from lit_tricks.evaluation import split_loader
from lit_tricks.files import write_atomically
from lit_tricks.groups import CLASSICAL
from lit_tricks.instantiation import build_node
from lit_tricks.module import LitClassifier
from lit_tricks.report import figures
from lit_tricks.run_directory import RunDirectory
from lit_tricks.stopwatch import clocked
from lit_tricks.threads import usable_cores

log = logging.getLogger("lit_tricks")


def fit_classical(
    cfg: DictConfig, content: Mapping[str, Any], directory: RunDirectory, facts: dict[str, Any]
) -> float | None:
    """Fit the configured classifier on the normalised training split and conclude the run as a network's.

    Args:
        cfg: the configuration, whose model is scikit-learn's or a ``GridSearch``.
        content: the same as the run directory keeps it.
        directory: where the run lives.
        facts: what the run knows already, with ``seconds`` and ``words``; it gets the content of ``results.json``.

    Returns the validation loss, None without validation or without probabilities.
    """
    with clocked(facts["seconds"], "build"):
        pl.seed_everything(cfg.seed, workers=True, verbose=False)
        datamodule, spec, normaliser = build_datamodule(cfg)
        estimator = build_estimator(cfg)
        # it never trains: it brings the loggers
        trainer, callbacks = build_trainer(cfg, directory, datamodule, None, [])
    threads = usable_cores() if cfg.threads == "auto" else int(cfg.threads)
    torch.set_num_threads(threads)
    inputs, labels = training_arrays(datamodule, normaliser)
    _announce(estimator, spec, threads)
    with clocked(facts["seconds"], "fit"):
        fit = fit_estimator(estimator, inputs, labels, cfg.seed, threads)
    for remark in fit.remarks:
        log.warning("%s: %s", type(fit.estimator).__name__, remark)
    module = classifier_module(fit.estimator, spec, normaliser)
    built = Built(datamodule, module, trainer, callbacks, estimator_facts(fit.estimator))
    if fit.search is not None:
        _report_search(fit.search, directory, built)
    facts |= {
        "threads": threads,
        "words": {group: word for group, word in facts["words"].items() if group in CLASSICAL},
        "status": "completed",
        "reason": None,
    }
    conclude(content, directory, built, _store(fit.estimator, module, directory), facts)
    return facts["metrics"].get("val/loss")


def build_estimator(cfg: DictConfig) -> Any:
    """Return the configured classifier or search, not fitted; raises ``UserError`` for anything else."""
    estimator = build_node(cfg.model, "model")
    if not isinstance(estimator, GridSearch) and not is_classifier(estimator):
        raise UserError(
            f"model._target_ must be a classifier; received {type(estimator).__name__}: "
            "try model=svm, or another of scikit-learn's classifiers"
        )
    return estimator


def training_arrays(datamodule: pl.LightningDataModule, normaliser: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    """Return the training split normalised and flat, (N, D) ``float32``, with its labels (N,) ``int64``."""
    with torch.inference_mode():
        parts = [(normaliser(x).flatten(1), y) for x, y in split_loader(datamodule, "train")]
    inputs, labels = zip(*parts, strict=True)
    return torch.cat(inputs).numpy(), torch.cat(labels).numpy()


def _announce(estimator: Any, spec: DataSpec, threads: int) -> None:
    what = type(estimator).__name__
    if isinstance(estimator, GridSearch):
        tried = f"{estimator.candidates} combinations in {estimator.folds} folds"
        what = f"{type(estimator.estimator).__name__}, {tried}"
    log.info("%s | %s | %d thread%s", spec.summary, what, threads, "" if threads == 1 else "s")


def _report_search(table: SearchTable, directory: RunDirectory, built: Built) -> None:
    """Leave the table of a search in the run directory, its winner in the results and its picture with the others."""
    found = table.facts()
    write_atomically(directory.path / "search.csv", table.to_csv())
    built.facts["search"] = found
    built.figures["search"] = figures.search_heatmap(
        table.rows, table.parameters, table.best, table.scoring, table.folds
    )
    winner = ", ".join(f"{name}={value}" for name, value in found["best"].items())
    log.info("search: best of %d is %s, %s %.4f", found["candidates"], winner, table.scoring, found["score"])


def _store(estimator: Any, module: LitClassifier, directory: RunDirectory) -> Path | None:
    """Write the checkpoint and return its path; None, with a remark, for what cannot be stored as plain data."""
    data, distrusted = pack(Stored(estimator, module.spec, module.normaliser.state_dict()))
    if distrusted:
        log.warning(
            "%s keeps no checkpoint, so it cannot predict or be evaluated again: %s cannot be stored without code",
            type(estimator).__name__,
            ", ".join(distrusted),
        )
        return None
    directory.checkpoints.mkdir(parents=True, exist_ok=True)
    path = directory.checkpoints / f"model{SUFFIX}"
    write_atomically(path, data)
    return path
