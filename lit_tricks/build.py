"""Turns a composed configuration into the objects that train."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Checkpoint, ProgressBar
from pytorch_lightning.loggers import Logger
from torch import Tensor, nn

from lit_tricks.accelerators import check_accelerator
from lit_tricks.callbacks import CleanTraining, Interruption, RandomState
from lit_tricks.compilation import CompiledPass, whole_batch_size
from lit_tricks.data import ArrayDataModule
from lit_tricks.data.augmentation import Augmentation
from lit_tricks.data.foreign import describe_datamodule
from lit_tricks.data.normalise import Normaliser
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed
from lit_tricks.instantiation import build_node, call_with_offers, partial_node
from lit_tricks.loggers import MetricsCSV
from lit_tricks.module import LitClassifier, MakeOptimizer, MakeSchedule
from lit_tricks.objectives import WeightPenalty, refuse_double_activation
from lit_tricks.optim import TrainingPlan
from lit_tricks.run_directory import RunDirectory
from lit_tricks.stretches import install_stretches
from lit_tricks.targets import check_targets

log = logging.getLogger("lit_tricks")

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class Built:
    """Everything one run trains with.

    ``facts`` and ``figures`` are what a model that is fitted at once adds to ``results.json`` and to the figures.
    """

    datamodule: pl.LightningDataModule
    module: LitClassifier
    trainer: pl.Trainer
    callbacks: list[pl.Callback]
    facts: dict[str, Any] = field(default_factory=dict)
    figures: "dict[str, Figure]" = field(default_factory=dict)


def build_datamodule(
    cfg: DictConfig, threads: Callable[[], int] | None = None
) -> tuple[pl.LightningDataModule, DataSpec, nn.Module]:
    """Return the data module, set up for training, with its specification and normaliser.

    ``threads`` tells with how many threads it may read its data; None is all cores that this process may use.
    """
    check_targets(cfg)
    sampler = partial_node(cfg.sampler, "sampler")
    offered = {name: cfg[name] for name in ("seed", "batch_size", "data_dir")}
    datamodule = build_node(cfg.data, "data", sampler=sampler, threads=threads, **offered)
    if not isinstance(datamodule, pl.LightningDataModule):
        raise UserError(
            f"data._target_ must be a LightningDataModule; received {type(datamodule).__name__}: "
            "derive it from pytorch_lightning.LightningDataModule"
        )
    datamodule.prepare_data()
    datamodule.setup("fit")
    spec = getattr(datamodule, "spec", None)
    if isinstance(spec, DataSpec):
        return datamodule, spec, getattr(datamodule, "normaliser", Normaliser.empty(spec.input_shape))
    spec = describe_datamodule(datamodule)
    return datamodule, spec, Normaliser.empty(spec.input_shape)


def build_augmentation(cfg: DictConfig, spec: DataSpec) -> Augmentation | None:
    """Return the configured changes of training batches, None when there is none or none changes anything.

    They are tried on a blank batch, so that what does not fit the data is found before anything is trained.
    """
    offered = {"input_shape": spec.input_shape, "num_classes": spec.num_classes, "value_range": spec.value_range}
    steps = {
        name: build_node(node, f"augmentation.{name}", **offered)
        for name, node in (cfg.augmentation or {}).items()
        if node is not None
    }
    augmentation = Augmentation(steps, cfg.seed, spec.value_range)
    augmentation(torch.zeros(2, *spec.input_shape), torch.zeros(2, dtype=torch.int64), [2], 0, 0)
    return augmentation or None


def build_module(
    cfg: DictConfig, spec: DataSpec, normaliser: nn.Module, augmentation: Augmentation | None = None
) -> LitClassifier:
    """Return the module with freshly initialised weights.

    Construction and initialisation draw from a stream of their own, so that runs with one seed start from
    the same weights whatever the data module or the callbacks drew before.
    """
    offered = {
        "input_shape": spec.input_shape,
        "num_classes": spec.num_classes,
        "class_counts": spec.class_counts,
        "seed": cfg.seed,
    }
    objective = build_node(cfg.loss, "loss", **offered)
    with torch.random.fork_rng():
        torch.manual_seed(derive_seed(cfg.seed, "initialisation"))
        network = build_node(cfg.model, "model", **offered)
        if not isinstance(network, nn.Module):
            raise UserError(
                f"model._target_ must be a torch.nn.Module; received {type(network).__name__}: derive it from nn.Module"
            )
        initialiser = build_node(cfg.init, "init", link=objective.link)
        initialiser(network, spec.class_counts)
    module = LitClassifier(
        network=network,
        objective=objective,
        normaliser=normaliser,
        optimizer=_make_optimizer(cfg),
        spec=spec,
        schedule=_make_schedule(cfg),
        augmentation=augmentation,
        penalty=_make_penalty(cfg),
    )
    _check_output(module)
    return module


def _make_optimizer(cfg: DictConfig) -> MakeOptimizer:
    make = partial_node(cfg.optimizer, "optimizer")
    # one kernel for all parameters; on networks as small as the lectures' it saves a third of the step
    fusible = cfg.optimizer.get("fused", False) is None and cfg.trainer.precision in (None, 32, "32", "32-true")
    here = cfg.trainer.accelerator in ("auto", "cpu", "gpu", "cuda") and not torch.backends.mps.is_available()
    extra = {"fused": True} if fusible and here else {}
    return lambda parameters: call_with_offers(partial(make, parameters, **extra), "optimizer", {})


def _make_schedule(cfg: DictConfig) -> MakeSchedule:
    schedule = build_node(cfg.scheduler, "scheduler")

    def make(optimizer: Any, total_steps: int | None, steps_per_epoch: int, max_epochs: int | None) -> Any:
        return schedule(optimizer, TrainingPlan(total_steps, steps_per_epoch, max_epochs))

    return make


def _make_penalty(cfg: DictConfig) -> Callable[[nn.Module], Tensor] | None:
    penalty = build_node(cfg.penalty, "penalty")
    return None if isinstance(penalty, WeightPenalty) and penalty.is_zero else penalty


def _check_output(module: LitClassifier) -> None:
    """Refuse a network that does not fit the data or the objective, before anything is trained."""
    inputs = module.normaliser(torch.zeros(2, *module.spec.input_shape))
    try:
        refuse_double_activation(module.network, module.objective, inputs)
    except RuntimeError as error:
        raise UserError(
            f"the model must accept inputs of shape {module.spec.input_shape}; it said: "
            f"{str(error).splitlines()[0]}: choose a model that fits the data, such as model=mlp"
        ) from error


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
    callbacks.append(RandomState())
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


def _clean_training(cfg: DictConfig, datamodule: ArrayDataModule) -> CleanTraining:
    """Return the watch over as many training examples as validate, the same in every epoch and every process."""
    rng = np.random.default_rng(derive_seed(cfg.seed, "train_clean"))
    rows = np.sort(rng.permutation(len(datamodule.train))[: len(datamodule.val)])
    return CleanTraining(datamodule.in_order(datamodule.train.take(rows)))


def build(
    cfg: DictConfig, directory: RunDirectory, resume_epoch: int | None = None, threads: Callable[[], int] | None = None
) -> Built:
    """Build everything one run trains with, see ``build_datamodule`` for ``threads``.

    Raises ``UserError`` for what the user can mend.
    """
    check_accelerator(cfg.trainer)
    datamodule, spec, normaliser = build_datamodule(cfg, threads)
    augmentation = build_augmentation(cfg, spec)
    watches: list[pl.Callback] = []
    if augmentation is not None and isinstance(datamodule, ArrayDataModule) and len(datamodule.val):
        watches.append(_clean_training(cfg, datamodule))
    trainer, callbacks = build_trainer(cfg, directory, datamodule, resume_epoch, watches)
    module = build_module(cfg, spec, normaliser, augmentation)
    if cfg.compile:
        backend = "inductor" if cfg.compile is True else cfg.compile
        size = whole_batch_size(datamodule.train_dataloader())
        module.logits_and_loss = CompiledPass(module.logits_and_loss, backend, size)
    return Built(datamodule, module, trainer, callbacks)
