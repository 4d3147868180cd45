"""What rules stretches of steps out: whatever sees, or makes, what happens between two steps."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.precision import Precision
from pytorch_lightning.profilers import PassThroughProfiler
from pytorch_lightning.strategies import SingleDeviceStrategy
from torch.optim import optimizer as torch_optimizer

from lit_tricks.data import BatchLoader
from lit_tricks.module import LitClassifier

# A stretch is gathered at once: long enough to spread what it costs, short enough to stay in the cache and to
# keep the progress bar moving.
MOST_STEPS = 64
MOST_VALUES = 2**20

EVERY_BATCH = (
    "on_train_batch_start",
    "on_train_batch_end",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
)
TRANSFER_HOOKS = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")
STEP_HOOKS = (
    *EVERY_BATCH,
    *TRANSFER_HOOKS,
    "training_step",
    "optimizer_step",
    "optimizer_zero_grad",
    "configure_gradient_clipping",
    "backward",
    "lr_scheduler_step",
)


def reason_for_single_steps(trainer: Any) -> str | None:
    """Return why every step must go through Lightning one by one as things are now, or None when none must.

    Stretches leave out hooks and bookkeeping between steps; whatever relies on those rules them out. ``trainer``
    must be about to run a training epoch, with its loaders and optimizers set up.
    """
    return next((reason for rule in RULES if (reason := rule(trainer)) is not None), None)


def training_loaders(trainer: Any) -> Sequence[Any]:
    """Return the loaders that the present epoch draws its batches from."""
    return trainer.fit_loop._combined_loader.flattened


def _loader(trainer: Any) -> str | None:
    loaders = training_loaders(trainer)
    if len(loaders) != 1:
        return f"{len(loaders)} training loaders are no single order of batches"
    kind = type(loaders[0])
    if not issubclass(kind, BatchLoader) or kind.__iter__ is not BatchLoader.__iter__:
        return f"{kind.__name__} hands out single batches"
    return None


def _optimizer(trainer: Any) -> str | None:
    """Lightning hands ``step`` a closure that computes the gradients; torch's own merely call it first."""
    if len(trainer.optimizers) != 1:
        return f"{len(trainer.optimizers)} optimizers share the steps"
    optimizer = trainer.optimizers[0]
    name, step = type(optimizer).__name__, type(optimizer).step
    if isinstance(optimizer, torch.optim.LBFGS):
        return "the optimizer evaluates a batch several times a step"
    if not getattr(step, "__module__", "").startswith("torch.optim."):
        return f"{name} has its own step, which may evaluate the batch itself"
    # a schedule wraps the step, on the instance, to see that steps are taken before it
    replaced = vars(optimizer).get("step")
    if replaced is not None and getattr(replaced, "__wrapped__", None) is not step:
        return f"the step of this {name} was replaced"
    hooks = (
        optimizer._optimizer_step_pre_hooks,
        optimizer._optimizer_step_post_hooks,
        torch_optimizer._global_optimizer_pre_hooks,
        torch_optimizer._global_optimizer_post_hooks,
    )
    return f"a hook of {name} is called before or after every step" if any(hooks) else None


def _schedules(trainer: Any) -> str | None:
    if any(config.interval == "step" and config.frequency != 1 for config in trainer.lr_scheduler_configs):
        return "the schedule does not step with every step"
    return None


def _module(trainer: Any) -> str | None:
    module = trainer.lightning_module
    if not isinstance(module, LitClassifier):
        return f"{type(module).__name__} is not a LitClassifier"
    for hook, _ in _own(module, LitClassifier, STEP_HOOKS):
        return f"{type(module).__name__} has its own {hook}"
    return None


def _trainer(trainer: Any) -> str | None:
    if type(trainer.strategy) is not SingleDeviceStrategy:
        return f"{type(trainer.strategy).__name__} may train with several processes"
    if type(trainer.precision_plugin) is not Precision:
        return f"precision {trainer.precision} scales or casts between steps"
    if not isinstance(trainer.profiler, PassThroughProfiler):
        return "the profiler wants to see every step"
    if trainer._detect_anomaly or trainer.overfit_batches:
        return "anomaly detection and overfit_batches look at every step"
    if trainer._val_check_time_interval is not None:
        return "validation by the clock may come after any step"
    return None


def _datamodule(trainer: Any) -> str | None:
    datamodule = trainer.datamodule
    for _ in _own(datamodule, pl.LightningDataModule, TRANSFER_HOOKS) if datamodule is not None else ():
        return f"{type(datamodule).__name__} changes batches one by one"
    return None


def _callbacks(trainer: Any) -> str | None:
    for callback in trainer.callbacks:
        for hook, owner in _own(callback, pl.Callback, EVERY_BATCH):
            if not _bears_stretches(callback, owner):
                return f"{type(callback).__name__} watches every batch ({hook})"
    return None


def _bears_stretches(callback: pl.Callback, owner: Any) -> bool:
    """Whether the hooks of ``callback`` that ``owner`` wrote may be left out within a stretch."""
    if type(callback) is ModelCheckpoint:
        return owner is ModelCheckpoint and callback._train_time_interval is None
    # who writes a hook must say so; what a parent said of its own hook does not hold for another one
    return isinstance(owner, type) and vars(owner).get("bears_stretches", False)


def _room(trainer: Any) -> str | None:
    """Some step is watched so often that a stretch would never be two batches long."""
    (loader,) = training_loaders(trainer)
    accumulated, batches = trainer.accumulate_grad_batches, int(trainer.num_training_batches)
    longest = {
        f"a step of {accumulated} batches is longer than a stretch": MOST_STEPS,
        f"an epoch of {batches} batches is too short": batches - 1 - accumulated,
        f"batches of {loader.batch_size} examples are too large to be gathered several at once": loader.fitting(
            MOST_VALUES
        ),
    }
    if trainer.enable_validation and isinstance(trainer.val_check_batch, int):
        every = trainer.val_check_batch
        longest[f"validation comes after every {every} batches"] = every - 1
    for steps in map(steps_between_saves, trainer.checkpoint_callbacks):
        if steps:
            longest[f"a checkpoint is saved after every {steps} steps"] = (steps - 1) * accumulated
    return next((reason for reason, most in longest.items() if most // accumulated * accumulated < 2), None)


def steps_between_saves(callback: pl.Callback) -> int:
    """Return after how many optimizer steps a checkpoint is due, 0 when that does not depend on steps."""
    return callback._every_n_train_steps if isinstance(callback, ModelCheckpoint) else 0


def _own(thing: Any, base: type, hooks: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield those of ``hooks`` that ``thing`` does not have from ``base``, and the class that wrote them.

    That is ``thing`` itself where the hook was put on the instance.
    """
    kind = type(thing)
    for hook in hooks:
        if hook in vars(thing):
            yield hook, thing
        elif getattr(kind, hook) is not getattr(base, hook):
            yield hook, next(one for one in kind.__mro__ if hook in vars(one))


RULES: tuple[Callable[[Any], str | None], ...] = (
    _loader,
    _optimizer,
    _schedules,
    _module,
    _trainer,
    _datamodule,
    _callbacks,
    _room,
)
