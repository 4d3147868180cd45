"""The learning rate that a range test finds, before the run that trains with it."""

import copy
import logging
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig, OmegaConf

from lit_tricks.accelerators import check_accelerator
from lit_tricks.build import build_augmentation, build_datamodule, build_module
from lit_tricks.callbacks import LearningRateFinder
from lit_tricks.callbacks.lr_finder import RangeTest
from lit_tricks.errors import Diverged, UserError
from lit_tricks.functional.seeding import derive_seed
from lit_tricks.instantiation import build_node
from lit_tricks.run_directory import RunDirectory
from lit_tricks.targets import check_targets
from lit_tricks.threads import choose_threads, held_to

log = logging.getLogger("lit_tricks")

# what the test does without: everything that ends, watches or validates a run
BARE = {
    "max_epochs": -1,
    "min_epochs": None,
    "min_steps": None,
    "max_time": None,
    "limit_val_batches": 0,
    "num_sanity_val_steps": 0,
    "fast_dev_run": False,
    "profiler": None,
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def finder_name(cfg: DictConfig) -> str | None:
    """Return the name of the callback that asks for a range test, None without one."""
    for name, node in (cfg.callbacks or {}).items():
        target = "" if node is None else str(node.get("_target_"))
        # Lightning has a class of this name as well
        if target.startswith("lit_tricks.") and target.endswith(f".{LearningRateFinder.__name__}"):
            return str(name)
    return None


def settle_rate(cfg: DictConfig, directory: RunDirectory, jobs: int) -> tuple[DictConfig, dict[str, Any]]:
    """Return the configuration with the rate that its range test suggests, and what there is to say about it.

    The test trains a network of its own on data of its own; the run that follows is built anew from the returned
    configuration, which asks for no test. So it is, bit for bit, the run whose rate was set by hand, and a resumed
    run does not search again. The curve is drawn to ``figures/lr_finder.png``. ``jobs`` is how many jobs share the
    machine.

    Raises ``UserError`` when the run is to train in several processes, or when the test finds no rate.
    """
    check_targets(cfg)
    name = finder_name(cfg)
    finder = build_node(cfg.callbacks[name], f"callbacks.{name}")
    _run_test(cfg, finder, directory, jobs)
    found: RangeTest = finder.result()
    _draw(found, finder.suggestion, directory)
    log.info(
        "learning rate: %.3g, by a range test of %d steps up to %.3g, where %s (steepest %.3g, valley %.3g)",
        found.suggestion,
        len(found.rates),
        found.rates[-1],
        "the loss diverged" if found.diverged else "it ended",
        found.steepest,
        found.valley,
    )
    settled = copy.deepcopy(cfg)
    OmegaConf.update(settled, "optimizer.lr", found.suggestion)
    settled.callbacks[name] = None
    return settled, {
        "lr": found.suggestion,
        "suggestion": finder.suggestion,
        "steepest": found.steepest,
        "valley": found.valley,
        "steps": len(found.rates),
        "diverged": found.diverged,
    }


def _run_test(cfg: DictConfig, finder: LearningRateFinder, directory: RunDirectory, jobs: int) -> None:
    check_accelerator(cfg.trainer)
    trainer = build_node(
        {**cfg.trainer, **BARE, "max_steps": finder.steps},
        "trainer",
        callbacks=[finder],
        default_root_dir=str(directory.path),
    )
    if trainer.world_size > 1:
        raise UserError(
            f"a range test runs in one process; this run has {trainer.world_size}: find the rate with "
            "trainer.devices=1, then set optimizer.lr"
        )
    cfg = copy.deepcopy(cfg)
    cfg.scheduler = {"_target_": "lit_tricks.optim.Constant"}
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    with held_to(1):
        datamodule, spec, normaliser = build_datamodule(cfg)
        module = build_module(cfg, spec, normaliser, build_augmentation(cfg, spec, getattr(datamodule, "masked", ())))
    threads, _ = choose_threads(cfg.threads, module.network, spec.input_shape, cfg.batch_size, jobs)
    torch.manual_seed(derive_seed(cfg.seed, "training"))
    try:
        with held_to(threads):
            trainer.fit(module, datamodule=datamodule)
    except Diverged:
        finder.diverged = True
    except SystemExit as stop:
        if trainer.interrupted:
            raise KeyboardInterrupt from stop
        raise


def _draw(found: RangeTest, chosen: str, directory: RunDirectory) -> None:
    from lit_tricks.report import figures

    marks = {"steepest": found.steepest, "valley": found.valley}
    figure = figures.range_test_curve(found.rates, found.losses, found.levels, marks, chosen)
    figures.save_figure(figure, directory.figures / "lr_finder.png")
