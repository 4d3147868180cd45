"""Runs one configuration from its composed form to a complete run directory."""

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from lit_tricks.build import Built, build
from lit_tricks.commandline.study import is_study
from lit_tricks.compilation import CompiledPass
from lit_tricks.functional.seeding import derive_seed
from lit_tricks.outcome import counted_weights, ended, stepping
from lit_tricks.quiet import quiet_lightning
from lit_tricks.rate_search import finder_name, settle_rate
from lit_tricks.record import experiments, reason, resolved, versions, words
from lit_tricks.relative_values import carried_out
from lit_tricks.resume import Resumption, plan_resumption
from lit_tricks.run_directory import UNFINISHED, RunDirectory
from lit_tricks.stopwatch import clocked
from lit_tricks.targets import is_classical
from lit_tricks.threads import choose_threads, core_share, held_to, parallel_jobs

log = logging.getLogger("lit_tricks")

# tells the further processes of a data-parallel run where the first one works
RUN_DIRECTORY = "LIT_TRICKS_RUN_DIRECTORY"


class Interrupted(Exception):
    """Training was stopped by the user; what was reached has been kept."""


def run_job(cfg: DictConfig) -> float | None:
    """Train one configuration in the directory that Hydra chose, or resume the run that ``resume`` names.

    Returns the best validation loss (None without validation), which a sweeper may minimise. Raises
    ``UserError`` for what the user can mend and ``Interrupted`` after Ctrl-C; either way the run
    directory says so.
    """
    hydra = HydraConfig.get()
    overrides = list(hydra.overrides.task)
    claimed = os.environ.get(RUN_DIRECTORY) if _rank() else None
    if cfg.resume is not None:
        return execute(plan_resumption(cfg.resume, overrides, claimed))
    place = Path(hydra.runtime.output_dir)
    directory = RunDirectory.claim(place) if claimed is None else RunDirectory(Path(claimed))
    return execute(Resumption(cfg, directory, overrides, words(hydra.runtime.choices)))


def execute(plan: Resumption) -> float | None:
    """Train as planned, evaluate, and write everything the run leaves behind."""
    facts: dict[str, Any] = {
        "status": "failed",
        "reason": UNFINISHED,
        "seed": plan.config.seed,
        "overrides": plan.overrides,
        "experiment": experiments(plan.overrides),
        "words": plan.words,
        "versions": versions(),
        "seconds": {},
        **plan.kept,
    }
    if _rank() != 0:
        with quiet_lightning():
            return _train(plan, facts)
    directory = plan.directory
    before = os.environ.get(RUN_DIRECTORY)
    os.environ[RUN_DIRECTORY] = str(directory.path.resolve())
    try:
        with directory.held(), quiet_lightning():
            return _marked(plan, facts)
    finally:
        if before is None:
            os.environ.pop(RUN_DIRECTORY)
        else:
            os.environ[RUN_DIRECTORY] = before


def _marked(plan: Resumption, facts: dict[str, Any]) -> float | None:
    """Train, and leave the reason in ``results.json`` when that fails or is stopped."""
    directory = plan.directory
    if not plan.resumed:
        directory.write_config(_content(plan.config))
        directory.write_results(facts)
    try:
        return _train(plan, facts)
    except Interrupted:
        raise
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt)
        # a run whose continuation could not even be built stays what it was
        if not plan.resumed or "fit" in facts["seconds"]:
            facts["status"] = "stopped" if stopped else "failed"
            facts["reason"] = "by the user" if stopped else reason(error)
            directory.write_results({**directory.read_results(), **facts})
            _keep_curves(directory)
        if stopped:
            again = "run it again" if is_study(plan.config) else f"continue with resume={directory.path}"
            raise Interrupted(f"stopped: {again}") from error
        raise


def _keep_curves(directory: RunDirectory) -> None:
    """Draw the epochs that a run finished before it failed or was stopped, if there are any."""
    from lit_tricks.report.figures import learning_curves, save_figure
    from lit_tricks.report.run_files import read_metrics

    rows = read_metrics(directory.path)
    if any("train/loss" in row for row in rows):
        save_figure(learning_curves(rows), directory.figures / "learning_curves.png")


def _content(cfg: DictConfig) -> dict[str, Any]:
    return resolved(cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True)))


def _rank() -> int:
    """This process's number among those that train together; Lightning keeps it where mypy cannot see it."""
    return int(getattr(rank_zero_only, "rank", None) or 0)


def _settled(plan: Resumption, facts: dict[str, Any]) -> Resumption:
    """Carry out what the run states relative to itself or has to search, and keep it, so that a resumed run has it."""
    directory, searched = plan.directory, finder_name(plan.config) is not None
    config = carried_out(plan.config, searched)
    if searched:
        with clocked(facts["seconds"], "lr_finder"):
            config, facts["lr_finder"] = settle_rate(config, directory, _jobs_at_once())
    if config != plan.config and _rank() == 0:
        directory.write_config(_content(config))
        directory.write_results({**directory.read_results(), **facts})
    return replace(plan, config=config)


def _train(plan: Resumption, facts: dict[str, Any]) -> float | None:
    cfg, directory, seconds = plan.config, plan.directory, facts["seconds"]
    if is_study(cfg):
        from lit_tricks.study_run import run_study

        run_study(cfg, _content(cfg), directory, facts)
        return None
    if is_classical(cfg.model.get("_target_")):
        from lit_tricks.classical_run import fit_classical

        return fit_classical(cfg, _content(cfg), directory, facts)
    if plan.checkpoint is None:
        plan = _settled(plan, facts)
        cfg = plan.config
    with clocked(seconds, "build"):
        pl.seed_everything(cfg.seed, workers=True, verbose=False)
        share = core_share(cfg.threads, _jobs_at_once())
        # orthogonal initial weights depend on the number of threads; runs must not begin differently in a sweep
        with held_to(1):
            built = build(cfg, directory, plan.epoch if plan.resumed else None, lambda: share()[0])
        threads = facts["threads"] = _prepare(cfg, built)
    if plan.resumed and _rank() == 0:
        directory.write_config(_content(cfg))
        directory.write_results({**directory.read_results(), **facts})
    with held_to(threads):
        return _train_built(plan, built, facts)


def _train_built(plan: Resumption, built: Built, facts: dict[str, Any]) -> float | None:
    cfg, directory, seconds = plan.config, plan.directory, facts["seconds"]
    with clocked(seconds, "fit"):
        torch.manual_seed(derive_seed(cfg.seed, "training"))
        interrupted = _fit(built, plan.checkpoint)
    compiled = built.module.logits_and_loss
    if isinstance(compiled, CompiledPass):
        seconds["compile"] = round(compiled.seconds, 3)
        seconds["fit"] = round(seconds["fit"] - seconds["compile"], 3)
    if not built.trainer.is_global_zero:
        return None
    weights = counted_weights(built, directory)
    if interrupted and weights is None:
        raise KeyboardInterrupt
    facts["stepping"] = stepping(cfg.stepping, built.trainer)
    facts["ended"] = "stopped by the user" if interrupted else ended(built)
    facts["status"] = "stopped" if interrupted else "completed"
    facts["reason"] = "by the user" if interrupted else None
    # pictures and tables must not hold up the first step
    from lit_tricks.conclusion import conclude

    conclude(_content(cfg), directory, built, weights, facts)
    if interrupted:
        raise Interrupted(f"stopped: continue with resume={directory.path}")
    return getattr(built.trainer.checkpoint_callback, "best_model_score", None)


def _prepare(cfg: DictConfig, built: Built) -> int:
    """Choose the threads and say in one line what is about to be trained."""
    spec = built.module.spec
    processes = _jobs_at_once() * built.trainer.num_devices
    threads, why = choose_threads(cfg.threads, built.module.network, spec.input_shape, cfg.batch_size, processes)
    if _rank() == 0:
        parameters = sum(p.numel() for p in built.module.network.parameters())
        log.info(
            "%s | %s parameters | %s, %d thread%s (%s)",
            spec.summary,
            f"{parameters:,}",
            type(built.trainer.accelerator).__name__.removesuffix("Accelerator").lower(),
            threads,
            "" if threads == 1 else "s",
            why,
        )
    return threads


def _jobs_at_once() -> int:
    """Return how many jobs the sweep's launcher runs at the same time; 1 where it says nothing about it."""
    if not HydraConfig.initialized() or HydraConfig.get().mode != RunMode.MULTIRUN:
        return 1
    return parallel_jobs(OmegaConf.select(HydraConfig.get().launcher, "n_jobs"))


def _fit(built: Built, checkpoint: Path | None) -> bool:
    """Train, and return whether the user stopped it, see ``Interruption``. Lightning answers it with ``SystemExit``."""
    try:
        built.trainer.fit(built.module, datamodule=built.datamodule, ckpt_path=checkpoint)
    except SystemExit:
        if not built.trainer.interrupted:
            raise
        return True
    return False
