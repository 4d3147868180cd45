"""One study, from its configuration to a complete run directory."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning.loggers import Logger

from lit_tricks.build_trainer import build_loggers
from lit_tricks.errors import UserError
from lit_tricks.files import write_atomically
from lit_tricks.instantiation import build_node
from lit_tricks.loggers.metrics_csv import table_text
from lit_tricks.publication import publish
from lit_tricks.run_directory import RunDirectory
from lit_tricks.stopwatch import clocked
from lit_tricks.studies import Findings, Study
from lit_tricks.targets import check_targets

log = logging.getLogger("lit_tricks")


def run_study(cfg: DictConfig, content: Mapping[str, Any], directory: RunDirectory, facts: dict[str, Any]) -> None:
    """Run the configured study and write all that a run directory holds, but for checkpoints: there are none.

    Args:
        cfg: the configuration.
        content: the same as the run directory keeps it.
        directory: where the run lives.
        facts: what the run knows already, with ``seconds`` and ``words``; it gets the content of ``results.json``.
    """
    with clocked(facts["seconds"], "build"):
        check_targets(cfg)
        pl.seed_everything(cfg.seed, workers=True, verbose=False)
        # a handful of numbers gains nothing from more threads
        facts["threads"] = 1 if cfg.threads == "auto" else int(cfg.threads)
        torch.set_num_threads(facts["threads"])
        study = build_node(cfg.study, "study")
        if not isinstance(study, Study):
            raise UserError(
                f"study._target_ must be a Study; received {type(study).__name__}: "
                "derive it from lit_tricks.studies.Study"
            )
        loggers = build_loggers(cfg, directory)
    with clocked(facts["seconds"], "study"):
        findings = study.run(cfg.seed)
    log.info("%s", findings.sentence)
    _record(findings, directory, loggers)
    words = {group: word for group, word in facts["words"].items() if group in content}
    word = words.get("study", "none")
    facts |= {
        "status": "completed",
        "reason": None,
        # one of the user's own has no word
        "study": "custom" if word == "none" else word,
        "words": words,
        "finding": findings.sentence,
        "metrics": dict(findings.metrics),
        "checkpoint": None,
        **findings.facts,
    }
    # the knobs of a study's parts would fill the table of all runs
    knobs = {key: value for key, value in content["study"].items() if not key.startswith("_")}
    single = {f"study.{key}": v for key, v in knobs.items() if v is not None and not isinstance(v, Mapping)}
    experiment = "+".join(facts["experiment"]) or "none"
    hyperparameters = {"seed": cfg.seed, "experiment": experiment, "study": facts["study"], **single}
    publish(directory, loggers, findings.figures, hyperparameters, {}, facts)


def _record(findings: Findings, directory: RunDirectory, loggers: list[Logger]) -> None:
    """Write ``metrics.csv``, what other loggers draw, and ``diagnosis.json``, in which nothing was examined."""
    rows = findings.rows
    if rows:
        write_atomically(directory.metrics, table_text(rows))
    against = next(iter(rows[0]), None) if rows else None
    final = {name: value for name, value in findings.metrics.items() if value is not None}
    # what is drawn step by step ends at its final figure anyway
    curves = [{name: value for name, value in row.items() if name != against} for row in rows]
    drawn = {name for row in curves for name in row}
    curves += [{name: value for name, value in final.items() if name not in drawn}]
    for logger in loggers:
        for number, values in enumerate(curves):
            logger.log_metrics(values, min(number, max(len(rows) - 1, 0)))
    write_atomically(directory.diagnosis, json.dumps({"diagnoses": [], "checks": []}, indent=2) + "\n")
