"""Builds Lightning's Trainer with the callbacks and loggers of one run."""

import logging

import numpy as np
import pytorch_lightning as pl
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Checkpoint, ProgressBar
from pytorch_lightning.loggers import Logger

from lit_tricks.callbacks import CleanTraining, Interruption, MajorityWatch, RandomState, WeightedSamplingCheck
from lit_tricks.data import ArrayDataModule
from lit_tricks.functional.seeding import derive_seed
from lit_tricks.instantiation import build_node
from lit_tricks.loggers import MetricsCSV
from lit_tricks.run_directory import RunDirectory
from lit_tricks.search.trial import pruning
from lit_tricks.stretches import install_stretches

log = logging.getLogger("lit_tricks")


def build_trainer(
    cfg: DictConfig,
    directory: RunDirectory,
    datamodule: pl.LightningDataModule,
    resume_epoch: int | None,
    watches: list[pl.Callback],
) -> tuple[pl.Trainer, list[pl.Callback]]:
    """Return Lightning's Trainer with ``watches``, the configured callbacks and loggers, and all those callbacks."""
    # watches go first: they see the weights that validation sees even where a later callback swaps them
    callbacks = watches + [
        build_node(node, f"callbacks.{name}", dirpath=str(directory.checkpoints), run_dir=directory.path)
        for name, node in (cfg.callbacks or {}).items()
        if node is not None
    ]
    # Lightning refuses a callback of a kind that the trainer switches off, and adds one of a kind that is missing
    switches = {"enable_progress_bar": ProgressBar, "enable_checkpointing": Checkpoint}
    for switch, kind in switches.items():
        if cfg.trainer.get(switch) is False:
            callbacks = [callback for callback in callbacks if not isinstance(callback, kind)]
    off = {switch: False for switch, kind in switches.items() if not any(isinstance(c, kind) for c in callbacks)}
    callbacks += [RandomState(), WeightedSamplingCheck(), MajorityWatch(), *pruning()]
    trainer = build_node(
        {**cfg.trainer, **off},
        "trainer",
        logger=[
            MetricsCSV(run_dir=directory.path, resume_epoch=resume_epoch),
            *build_loggers(cfg, directory, resume_epoch),
        ],
        callbacks=callbacks,
        default_root_dir=str(directory.path),
        enable_model_summary=False,
        # ours share themselves out
        use_distributed_sampler=not isinstance(datamodule, ArrayDataModule),
    )
    # Lightning puts checkpoints last, and they belong to a step like all the rest
    trainer.callbacks.append(Interruption())
    if cfg.stepping == "auto":
        reason = install_stretches(trainer)
        if reason is not None:
            log.info("steps: one by one, since %s", reason)
    return trainer, callbacks


def build_loggers(cfg: DictConfig, directory: RunDirectory, resume_epoch: int | None = None) -> list[Logger]:
    """Return the loggers that the configuration names."""
    return [
        build_node(node, f"logger.{name}", run_dir=directory.path, resume_epoch=resume_epoch)
        for name, node in (cfg.logger or {}).items()
        if node is not None
    ]


def clean_training(cfg: DictConfig, datamodule: ArrayDataModule) -> CleanTraining:
    """Return the watch over as many training examples as validate, the same in every epoch and every process."""
    rng = np.random.default_rng(derive_seed(cfg.seed, "train_clean"))
    rows = np.sort(rng.permutation(len(datamodule.train))[: len(datamodule.val)])
    return CleanTraining(datamodule.in_order(datamodule.train.take(rows)))
