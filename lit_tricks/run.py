"""Runs one configuration from its composed form to a complete run directory."""

import logging
import os
import platform
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from lit_tricks.build import Built, build
from lit_tricks.callbacks import EarlyStopping
from lit_tricks.conclusion import conclude
from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed
from lit_tricks.resume import Resumption, plan_resumption
from lit_tricks.run_directory import UNFINISHED, RunDirectory
from lit_tricks.stopwatch import clocked
from lit_tricks.threads import choose_threads

log = logging.getLogger("lit_tricks")

PACKAGES = ("lit-tricks", "torch", "pytorch-lightning", "hydra-core", "torchmetrics", "numpy", "scikit-learn")

# each is a choice of ours or of the user's, not a fault
EXPECTED_WARNINGS = (
    r".*isinstance\(treespec, LeafSpec\).*",
    "Total length of `list` across ranks is zero",
    r"The number of training batches \(\d+\) is smaller than the logging interval",
    "The '.*_dataloader' does not have many workers",
    ".*available but not used.*",
    # the module reduces its figures over processes itself, exactly
    r"It is recommended to use `self\.log\(.*sync_dist=True",
    "You're resuming from a checkpoint that ended before the epoch ended",
)


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
    if cfg.resume is not None:
        resumption = plan_resumption(cfg.resume, overrides)
        return execute(resumption.config, resumption.directory, resumption.overrides, resumption.words, resumption)
    place = Path(hydra.runtime.output_dir)
    # a further process of a data-parallel run works in the folder that the first one has claimed
    directory = RunDirectory.claim(place) if _rank() == 0 else RunDirectory(place)
    return execute(cfg, directory, overrides, words=words(hydra.runtime.choices))


def execute(
    cfg: DictConfig,
    directory: RunDirectory,
    overrides: list[str],
    words: dict[str, str],
    resumption: Resumption | None = None,
) -> float | None:
    """Train ``cfg`` in ``directory``, evaluate, and write everything the run leaves behind."""
    facts: dict[str, Any] = {
        "status": "failed",
        "reason": UNFINISHED,
        "seed": cfg.seed,
        "overrides": overrides,
        "experiment": experiments(overrides),
        "words": words,
        "versions": versions(),
        "seconds": {},
    }
    if _rank() != 0:
        with quiet_lightning():
            return _train(cfg, directory, facts, resumption)
    with directory.held(), quiet_lightning():
        directory.write_config(resolved(cfg))
        directory.write_results(facts)
        try:
            return _train(cfg, directory, facts, resumption)
        except KeyboardInterrupt as error:
            directory.write_results({**facts, "status": "stopped", "reason": "stopped by the user"})
            raise Interrupted(f"stopped: continue with resume={directory.path}") from error
        except Interrupted:
            raise
        except Exception as error:
            directory.write_results({**facts, "status": "failed", "reason": reason(error)})
            raise


def _rank() -> int:
    """This process's number among those that train together; Lightning keeps it where mypy cannot see it."""
    return int(getattr(rank_zero_only, "rank", None) or 0)


def _train(
    cfg: DictConfig, directory: RunDirectory, facts: dict[str, Any], resumption: Resumption | None
) -> float | None:
    seconds = facts["seconds"]
    with clocked(seconds, "build"):
        pl.seed_everything(cfg.seed, workers=True, verbose=False)
        built = build(cfg, directory, None if resumption is None else resumption.epoch)
        _prepare(cfg, built)
    interrupted = False
    with clocked(seconds, "fit"):
        checkpoint = None if resumption is None else resumption.checkpoint
        torch.manual_seed(derive_seed(cfg.seed, "training"))
        interrupted = _fit(built, checkpoint)
    reason_for_single = getattr(built.trainer.fit_loop.epoch_loop, "reason", f"stepping={cfg.stepping}")
    facts["stepping"] = "stretches" if reason_for_single is None else f"single: {reason_for_single}"
    restored = any(isinstance(callback, EarlyStopping) for callback in built.callbacks)
    saved = directory.best_checkpoint if restored else directory.last_checkpoint
    weights = saved if saved.is_file() else None
    if not built.trainer.is_global_zero:
        return None
    if interrupted and weights is None:
        raise KeyboardInterrupt
    facts["status"] = "stopped" if interrupted else "completed"
    facts["reason"] = "stopped by the user" if interrupted else None
    conclude(resolved(cfg), directory, built, weights, facts)
    if interrupted:
        raise Interrupted(f"stopped: continue with resume={directory.path}")
    score = built.trainer.checkpoint_callback
    best = getattr(score, "best_model_score", None)
    return None if best is None else float(best)


def _prepare(cfg: DictConfig, built: Built) -> None:
    """Choose the threads and say in one line what is about to be trained."""
    spec = built.module.spec
    threads, why = choose_threads(cfg.threads, built.module.network, torch.zeros(cfg.batch_size, *spec.input_shape))
    torch.set_num_threads(threads)
    parameters = sum(p.numel() for p in built.module.network.parameters())
    if _rank() != 0:
        return
    log.info(
        "%s: %s classes, %s training, %s validation, %s test examples | %s parameters | %s, %d thread%s (%s)",
        spec.name,
        spec.num_classes,
        f"{spec.n_train:,}",
        f"{spec.n_val:,}",
        f"{spec.n_test:,}",
        f"{parameters:,}",
        type(built.trainer.accelerator).__name__.removesuffix("Accelerator").lower(),
        threads,
        "" if threads == 1 else "s",
        why,
    )


def _fit(built: Built, checkpoint: Path | None) -> bool:
    """Train, and return whether the user stopped it. Lightning answers Ctrl-C with ``SystemExit``."""
    try:
        built.trainer.fit(built.module, datamodule=built.datamodule, ckpt_path=checkpoint)
    except SystemExit:
        if not built.trainer.interrupted:
            raise
        return True
    return False


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence what Lightning says about every run; our own line says what is trained, on what."""
    chatter = logging.getLogger("pytorch_lightning.utilities.rank_zero")
    before = chatter.level
    chatter.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in EXPECTED_WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        chatter.setLevel(before)


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """Return the configuration as primitives, without what belongs to one invocation only."""
    content = OmegaConf.to_container(cfg, resolve=True)
    if not isinstance(content, dict):
        raise UserError("the configuration must be a mapping; received a list: check config.yaml")
    data_dir = Path(cfg.data_dir or os.environ.get("LIT_TRICKS_DATA", "data"))
    return {str(key): value for key, value in content.items()} | {
        "resume": None,
        "data_dir": str(data_dir.expanduser().resolve()),
    }


def experiments(overrides: list[str]) -> list[str]:
    """Return the experiment words among the overrides, in their order."""
    words: list[str] = []
    for override in overrides:
        key, _, value = override.partition("=")
        if key.lstrip("+") == "experiment":
            words += [word.strip() for word in value.strip("[]").split(",") if word.strip()]
    return words


def words(choices: Mapping[str, Any]) -> dict[str, str]:
    """Return the word chosen for each group, Hydra's own groups and the experiments left out."""
    return {
        group: str(word)
        for group, word in choices.items()
        if "/" not in group and "@" not in group and group != "experiment" and word is not None
    }


def versions() -> dict[str, str]:
    """Return the versions that a figure depends on."""
    found = {"python": platform.python_version(), "platform": sys.platform}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "checkout"
    return found


def reason(error: BaseException) -> str:
    """Return why a run failed, in one line."""
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}".splitlines()[0]
