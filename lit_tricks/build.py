"""Turns a composed configuration into the objects that train."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Checkpoint, ProgressBar
from pytorch_lightning.loggers import Logger
from torch import Tensor, nn

from lit_tricks.accelerators import check_accelerator
from lit_tricks.callbacks import CleanTraining, RandomState
from lit_tricks.compilation import CompiledPass
from lit_tricks.data import ArrayDataModule
from lit_tricks.data.augmentation import Augmentation
from lit_tricks.data.foreign import describe_datamodule
from lit_tricks.data.normalise import Normaliser
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed
from lit_tricks.imbalanced import build_imbalance, check_imbalance, warn_of_double_correction
from lit_tricks.instantiation import build_node, call_with_offers, partial_node
from lit_tricks.loggers import MetricsCSV
from lit_tricks.module import LitClassifier, MakeOptimizer, MakeSchedule
from lit_tricks.objectives import WeightPenalty, refuse_double_activation
from lit_tricks.optim import TrainingPlan
from lit_tricks.run_directory import RunDirectory
from lit_tricks.search.trial import pruning
from lit_tricks.stretches import take_stretches
from lit_tricks.targets import check_targets
from lit_tricks.transfer import Transfer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger("lit_tricks")


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


def build_datamodule(cfg: DictConfig) -> tuple[pl.LightningDataModule, DataSpec, nn.Module]:
    """Return the data module, set up for training, with its specification and normaliser."""
    check_targets(cfg)
    sampler = partial_node(cfg.sampler, "sampler")
    imbalance = build_imbalance(cfg)
    offered = {"seed": cfg.seed, "batch_size": cfg.batch_size, "data_dir": cfg.data_dir, "sampler": sampler}
    datamodule = build_node(cfg.data, "data", **offered, imbalance=imbalance)
    if not isinstance(datamodule, pl.LightningDataModule):
        raise UserError(
            f"data._target_ must be a LightningDataModule; received {type(datamodule).__name__}: "
            "derive it from pytorch_lightning.LightningDataModule"
        )
    check_imbalance(imbalance, datamodule)
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
    cfg: DictConfig,
    spec: DataSpec,
    normaliser: nn.Module,
    augmentation: Augmentation | None = None,
    transfer: Transfer | None = None,
) -> LitClassifier:
    """Return the module with freshly initialised weights, whose optimizer has the groups that ``transfer`` asks for.

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
    make_optimizer = _make_optimizer(cfg)
    module = LitClassifier(
        network=network,
        objective=objective,
        normaliser=normaliser,
        optimizer=make_optimizer if transfer is None else transfer.grouped(make_optimizer),
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
    callbacks += [RandomState(), *pruning()]
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
    if cfg.stepping == "auto":
        take_stretches(trainer)
    return trainer, callbacks


def build_loggers(cfg: DictConfig, directory: RunDirectory, resume_epoch: int | None = None) -> list[Logger]:
    """Return the loggers that the configuration names."""
    return [
        build_node(node, f"logger.{name}", run_dir=directory.path, resume_epoch=resume_epoch)
        for name, node in (cfg.logger or {}).items()
        if node is not None
    ]


def build_transfer(cfg: DictConfig) -> Transfer | None:
    """Return the configured strategy, None for fresh weights."""
    # runs from before there was such a word have none
    node = cfg.get("transfer") or {}
    if node.get("_target_"):
        return build_node(node, "transfer")
    if node.get("source"):
        log.info("transfer=none: fresh weights, %s is passed over", node["source"])
    return None


def build(cfg: DictConfig, directory: RunDirectory, resume_epoch: int | None = None) -> Built:
    """Build everything one run trains with; raises ``UserError`` for what the user can mend."""
    check_accelerator(cfg.trainer)
    datamodule, spec, normaliser = build_datamodule(cfg)
    augmentation = build_augmentation(cfg, spec)
    watches: list[pl.Callback] = []
    if augmentation is not None and isinstance(datamodule, ArrayDataModule) and len(datamodule.val):
        watches.append(CleanTraining.sample(datamodule.train, len(datamodule.val), cfg.seed))
    transfer = build_transfer(cfg)
    watches += [] if transfer is None else [transfer]
    trainer, callbacks = build_trainer(cfg, directory, datamodule, resume_epoch, watches)
    module = build_module(cfg, spec, normaliser, augmentation, transfer)
    warn_of_double_correction(module.objective, datamodule)
    if transfer is not None:
        # a run that goes on has the weights, and what was reused, in its checkpoint
        begin = transfer.watch if directory.last_checkpoint.is_file() else transfer.adopt
        begin(module)
    if cfg.compile:
        module.logits_and_loss = CompiledPass(
            module.logits_and_loss, "inductor" if cfg.compile is True else cfg.compile
        )
    return Built(datamodule, module, trainer, callbacks, {} if transfer is None else {"transfer": transfer.record})
