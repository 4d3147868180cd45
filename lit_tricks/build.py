"""Turns a composed configuration into the objects that train."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from lit_tricks.accelerators import check_accelerator
from lit_tricks.after_training import build_correction
from lit_tricks.build_trainer import build_trainer, clean_training
from lit_tricks.compilation import CompiledPass, whole_batch_size
from lit_tricks.corrections import Correction
from lit_tricks.data import ArrayDataModule
from lit_tricks.data.augmentation import Augmentation
from lit_tricks.data.foreign import describe_datamodule
from lit_tricks.data.masking import Region
from lit_tricks.data.normalise import Normaliser
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError
from lit_tricks.functional.seeding import derive_seed
from lit_tricks.imbalanced import (
    build_imbalance,
    build_sampler,
    check_imbalance,
    rebalancing,
    warn_of_double_correction,
)
from lit_tricks.instantiation import build_node, call_with_offers, partial_node
from lit_tricks.module import LitClassifier, MakeOptimizer, MakeSchedule
from lit_tricks.objectives import Objective, WeightPenalty, refuse_double_activation, trains_otherwise
from lit_tricks.optim import TrainingPlan
from lit_tricks.run_directory import RunDirectory
from lit_tricks.split_check import check_duplicates
from lit_tricks.targets import check_targets
from lit_tricks.transfer import Transfer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger("lit_tricks")


@dataclass
class Built:
    """Everything one run trains with.

    ``correction`` is fitted once training has ended. ``facts`` and ``figures`` are what a model that is fitted at once
    adds to ``results.json`` and to the figures.
    """

    datamodule: pl.LightningDataModule
    module: LitClassifier
    trainer: pl.Trainer
    callbacks: list[pl.Callback]
    facts: dict[str, Any] = field(default_factory=dict)
    figures: "dict[str, Figure]" = field(default_factory=dict)
    correction: Correction | None = None


def build_datamodule(
    cfg: DictConfig, threads: Callable[[], int] | None = None
) -> tuple[pl.LightningDataModule, DataSpec, nn.Module]:
    """Return the data module, set up for training, with its specification and normaliser.

    ``threads`` tells with how many threads it may read its data; None is all cores that this process may use.
    """
    check_targets(cfg)
    sampler = build_sampler(cfg)
    imbalance = build_imbalance(cfg)
    offered = {name: cfg[name] for name in ("seed", "batch_size", "data_dir")}
    datamodule = build_node(cfg.data, "data", sampler=sampler, imbalance=imbalance, threads=threads, **offered)
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


def build_augmentation(cfg: DictConfig, spec: DataSpec, masked: Sequence[Region] = ()) -> Augmentation | None:
    """Return the configured changes of training batches, None when there is none or none changes anything.

    ``masked`` are the regions of images that no network gets to see. The changes are tried on a blank batch, so that
    what does not fit the data is found before anything is trained.
    """
    offered = {"input_shape": spec.input_shape, "num_classes": spec.num_classes, "value_range": spec.value_range}
    steps = {
        name: build_node(node, f"augmentation.{name}", **offered)
        for name, node in (cfg.augmentation or {}).items()
        if node is not None
    }
    augmentation = Augmentation(steps, cfg.seed, spec.value_range, masked)
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
        initialiser = build_node(cfg.init, "init", link=objective.link, scale=objective.scale)
        initialiser(network, _expressed_counts(objective, spec))
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


def _expressed_counts(objective: Objective, spec: DataSpec) -> list[float]:
    """Return class counts whose shares the logits express once the loss is at its least, (K,)."""
    shift = objective.log_prior_shift()
    factors = torch.ones(spec.num_classes) if shift is None else shift.exp().cpu()
    return [count * float(factor) for count, factor in zip(spec.class_counts, factors, strict=True)]


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


def build_transfer(cfg: DictConfig) -> Transfer | None:
    """Return the configured strategy, None for fresh weights."""
    # runs from before there was such a word have none
    node = cfg.get("transfer") or {}
    if node.get("_target_"):
        return build_node(node, "transfer")
    if node.get("source"):
        log.info("transfer=none: fresh weights, %s is passed over", node["source"])
    return None


def build(
    cfg: DictConfig, directory: RunDirectory, resume_epoch: int | None = None, threads: Callable[[], int] | None = None
) -> Built:
    """Build everything one run trains with, see ``build_datamodule`` for ``threads``.

    Raises ``UserError`` for what the user can mend.
    """
    check_accelerator(cfg.trainer)
    datamodule, spec, normaliser = build_datamodule(cfg, threads)
    # runs from before there was such a knob have none
    shared = check_duplicates(cfg.get("duplicates", "none"), datamodule)
    augmentation = build_augmentation(cfg, spec, getattr(datamodule, "masked", ()))
    transfer = build_transfer(cfg)
    module = build_module(cfg, spec, normaliser, augmentation, transfer)
    watches: list[pl.Callback] = []
    incomparable = augmentation is not None or trains_otherwise(module.objective)
    if incomparable and isinstance(datamodule, ArrayDataModule) and len(datamodule.val):
        watches.append(clean_training(cfg, datamodule))
    watches += [] if transfer is None else [transfer]
    trainer, callbacks = build_trainer(cfg, directory, datamodule, resume_epoch, watches)
    rebalances = rebalancing(module.objective, datamodule)
    warn_of_double_correction(rebalances)
    correction = build_correction(cfg, module, datamodule)
    if transfer is not None:
        # a run that goes on has the weights, and what was reused, in its checkpoint
        begin = transfer.watch if directory.last_checkpoint.is_file() else transfer.adopt
        begin(module)
    if cfg.compile:
        backend = "inductor" if cfg.compile is True else cfg.compile
        size = whole_batch_size(datamodule.train_dataloader())
        module.logits_and_loss = CompiledPass(module.logits_and_loss, backend, size)
    facts: dict[str, Any] = {"rebalances": rebalances}
    facts |= ({"duplicates": shared} if shared else {}) | ({} if transfer is None else {"transfer": transfer.record})
    return Built(datamodule, module, trainer, callbacks, facts, correction=correction)
