"""What happens after training: evaluation, figures, diagnosis, report and the table in the terminal."""

import io
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from lit_tricks.build import Built
from lit_tricks.data.spec import DataSpec
from lit_tricks.doctor import diagnose
from lit_tricks.files import write_atomically
from lit_tricks.final_evaluation import Answers, evaluate_built
from lit_tricks.groups import CLASSICAL, DISTINGUISHING
from lit_tricks.illustrations import draw_shortcut, illustrate, illustrate_correction, keep_mistakes, survey
from lit_tricks.models.summary import dense_layers
from lit_tricks.publication import publish
from lit_tricks.report import figures
from lit_tricks.report.run_files import read_metrics
from lit_tricks.run_directory import RunDirectory
from lit_tricks.shortcuts import intervene
from lit_tricks.stopwatch import clocked

log = logging.getLogger("lit_tricks")


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
    if weights is not None and weights.suffix == ".ckpt":
        content = torch.load(weights, map_location="cpu", weights_only=True)
        built.module.load_state_dict(content["state_dict"])
        facts["weights_epoch"] = content["epoch"] + 1
    with clocked(facts["seconds"], "evaluate"):
        final, uncorrected = evaluate_built(built)
    found, answers = final.found, final.answers.get("test")
    facts |= _results(directory, built, weights) | final.facts() | built.facts
    if uncorrected is not None:
        write_atomically(directory.correction, built.module.correction.to_json())
        facts |= {"correction": built.module.correction.to_dict(), "uncorrected": uncorrected.facts()}
    with clocked(facts["seconds"], "intervention"):
        # runs from before there was this knob had the search
        seen = intervene(built, int(config["seed"])) if config.get("shortcuts", True) else None
    masked = {name: value for name, value in config["data"].items() if name == "masked_region"}
    facts["intervention"] = None if seen is None else seen.facts() | masked
    mistakes = None
    if answers is not None:
        mistakes = figures.rank_mistakes(
            answers.probabilities,
            answers.targets,
            limit=None,
            probabilistic=built.module.objective.probabilistic,
            predicted=answers.classes,
        )
        facts["mistakes"] = asdict(figures.MistakeCount.of(mistakes))
        write_atomically(directory.mistakes, figures.mistakes_csv(mistakes, built.module.spec.class_names))
    # complete only when everything below is there as well
    directory.write_results({**facts, "status": "failed", "reason": "evaluated, but the report was not finished"})
    if answers is not None:
        _write_predictions(directory.predictions, answers)
    with clocked(facts["seconds"], "report"):
        rows = read_metrics(directory.path)
        diagnosis = diagnose(facts, rows)
        write_atomically(directory.diagnosis, json.dumps(diagnosis, indent=2) + "\n")
        drawn: dict[str, Figure] = {}
        # runs from before there was this knob have pictures
        if config.get("pictures", True):
            regions = survey(built, found)
            if regions is not None:
                write_atomically(directory.regions, regions.content())
            drawn = illustrate(built, found, rows, mistakes, regions, config.get("gallery") == "first")
            kept = keep_mistakes(built, mistakes or [])
            if kept is not None:
                write_atomically(directory.path / kept.FILE, kept.content())
            if seen is not None and any(one["symptom"] == "shortcut" for one in diagnosis["diagnoses"]):
                drawn["shortcut"] = draw_shortcut(built, found, seen)
            if facts["layers"]:
                drawn["network"] = figures.network_diagram(facts["layers"])
            if uncorrected is not None:
                drawn |= illustrate_correction(built.module, final, uncorrected)
    tested = {name: value for name, value in facts["metrics"].items() if name.startswith("test/")}
    scored = None
    if answers is not None and built.module.objective.probabilistic:
        scored = answers.probabilities, answers.targets
    publish(directory, built.trainer.loggers, drawn, _hyperparameters(config, facts), tested, facts, scored)
    return facts


def _results(directory: RunDirectory, built: Built, weights: Path | None) -> dict[str, Any]:
    return {
        "n_params": sum(p.numel() for p in built.module.network.parameters()),
        "layers": dense_layers(built.module.network),
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


def _write_predictions(path: Path, answers: Answers) -> None:
    """Keep the test split's predictions, so that runs can be compared example by example without their data."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        probabilities=answers.probabilities.astype(np.float32),
        targets=answers.targets,
        predicted=answers.classes,
    )
    write_atomically(path, buffer.getvalue())


def _hyperparameters(config: Mapping[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Return what distinguishes runs: words and their knobs; null knobs, paths and Hydra's keys are noise."""
    chosen: dict[str, Any] = {"seed": config["seed"], "experiment": "+".join(facts["experiment"]) or "none"}
    if facts["epochs"] is not None:
        chosen |= {"batch_size": config["batch_size"], "trainer.max_epochs": config["trainer"]["max_epochs"]}
    # a model that is fitted at once has words for few groups
    for group in [each for each in DISTINGUISHING if facts["epochs"] is not None or each in CLASSICAL]:
        chosen[group] = facts["data"]["name"] if group == "data" else facts["words"].get(group, "custom")
        # runs from before there was a group have none of its knobs
        chosen |= _knobs(config.get(group) or {}, group)
    return chosen


def _knobs(node: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in node.items():
        if isinstance(value, Mapping):
            found |= _knobs(value, f"{prefix}.{name}")
        # a mapping by class has numbers for names
        elif value is not None and not str(name).startswith("_"):
            found[f"{prefix}.{name}"] = value
    return found
