"""Lightning's epoch loop, taking the steps that nobody watches in stretches."""

import logging
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop
from pytorch_lightning.plugins.precision import Precision
from pytorch_lightning.profilers import PassThroughProfiler
from pytorch_lightning.strategies import SingleDeviceStrategy
from pytorch_lightning.utilities.model_helpers import is_overridden

from lit_tricks.bare_steps import bare_backward, bare_step
from lit_tricks.data import BatchLoader
from lit_tricks.module import LitClassifier

log = logging.getLogger("lit_tricks")

# The loop below builds on internals, which Lightning may change with any minor version.
TESTED = "2.6."

# A stretch is gathered at once: long enough to spread what it costs, short enough to stay in the cache and to
# answer Ctrl-C and the progress bar.
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
STEP_HOOKS = (
    *EVERY_BATCH,
    "training_step",
    "optimizer_step",
    "optimizer_zero_grad",
    "configure_gradient_clipping",
    "backward",
    "lr_scheduler_step",
    "on_before_batch_transfer",
    "transfer_batch_to_device",
    "on_after_batch_transfer",
)


def reason_against(trainer: pl.Trainer, module: pl.LightningModule, datamodule: Any) -> str | None:
    """Return why every step of this run must go through Lightning one by one, or None when none must.

    Stretches leave out hooks and bookkeeping between steps; whatever relies on those rules them out.
    """
    if not isinstance(module, LitClassifier):
        return f"{type(module).__name__} is not a LitClassifier"
    changed = [
        name for name in STEP_HOOKS if getattr(type(module), name, None) is not getattr(LitClassifier, name, None)
    ]
    if changed:
        return f"{type(module).__name__} has its own {changed[0]}"
    if type(trainer.strategy) is not SingleDeviceStrategy:
        return f"{type(trainer.strategy).__name__} may train with several processes"
    if type(trainer.precision_plugin) is not Precision:
        return f"precision {trainer.precision} scales or casts between steps"
    if not isinstance(trainer.profiler, PassThroughProfiler):  # type: ignore[attr-defined]
        return "the profiler wants to see every step"
    if trainer._detect_anomaly or trainer.overfit_batches:  # type: ignore[attr-defined]
        return "anomaly detection and overfit_batches look at every step"
    if trainer._val_check_time_interval is not None:  # type: ignore[attr-defined]
        return "validation by the clock may come after any step"
    if any(is_overridden(name, datamodule, pl.LightningDataModule) for name in STEP_HOOKS[-3:]):
        return f"{type(datamodule).__name__} changes batches one by one"
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        hooks = [name for name in EVERY_BATCH if is_overridden(name, callback, pl.Callback)]
        if hooks and not _bears_stretches(callback):
            return f"{type(callback).__name__} watches every batch ({hooks[0]})"
    return None


def _bears_stretches(callback: pl.Callback) -> bool:
    if isinstance(callback, ModelCheckpoint):
        return callback._train_time_interval is None
    return getattr(callback, "bears_stretches", False)


def take_stretches(trainer: pl.Trainer) -> str | None:
    """Let ``trainer`` take unwatched steps in stretches; return why not when its Lightning is another one."""
    if not pl.__version__.startswith(TESTED):
        return f"stretches are tested with pytorch-lightning {TESTED}x, not {pl.__version__}"
    old = trainer.fit_loop.epoch_loop
    trainer.fit_loop.epoch_loop = StretchLoop(trainer, old.min_steps, old.max_steps)
    return None


class StretchLoop(_TrainingEpochLoop):
    """Takes optimizer steps in stretches wherever nothing between them would be seen.

    The first and the last batch of an epoch, a batch before validation, before a checkpoint or at ``max_steps``
    goes through Lightning as always, so every hook, counter and log that is due there is Lightning's own. The
    batches in between are gathered and prepared at once and stepped through by ``LitClassifier.batch_loss``, the same
    operations in the same order, and counted in one go. ``reason`` says why a run takes single steps, None
    when it does not; it is known once training has started.

    A callback whose batch hooks may be left out in between says so by ``bears_stretches = True``. It may define
    ``on_stretch_step(trainer, module, step)``, called after each optimizer step with the number of steps taken so
    far in the run (``trainer.global_step`` is brought up to date later), and ``on_stretch_end(trainer, module,
    first_step, rates)``, called after a stretch with the number of steps before it and each step's learning rate.
    """

    def __init__(self, trainer: pl.Trainer, min_steps: int | None, max_steps: int) -> None:
        super().__init__(trainer, min_steps, max_steps)
        self.reason: str | None = "training has not started"
        self._judged = False

    def on_run_start(self, data_fetcher: Any) -> None:
        """Judge once, when optimizers and loaders are known."""
        super().on_run_start(data_fetcher)
        if not self._judged:
            self._judged = True
            self.reason = self._reason()
            if self.trainer.is_global_zero:
                log.info("steps: %s", "in stretches" if self.reason is None else f"one by one, since {self.reason}")

    def _reason(self) -> str | None:
        trainer = self.trainer
        loaders = trainer.fit_loop._combined_loader.flattened  # type: ignore[union-attr]
        if len(loaders) != 1 or not isinstance(loaders[0], BatchLoader):
            return f"{type(loaders[0]).__name__} hands out single batches"
        if len(trainer.optimizers) != 1 or isinstance(trainer.optimizers[0], torch.optim.LBFGS):
            return "the optimizer evaluates a batch several times a step"
        if any(config.interval == "step" and config.frequency != 1 for config in trainer.lr_scheduler_configs):
            return "the schedule does not step with every step"
        return reason_against(trainer, trainer.lightning_module, trainer.datamodule)  # type: ignore[attr-defined]

    def advance(self, data_fetcher: Any) -> None:
        """Take one watched step or a stretch of unwatched ones."""
        count = 0 if self.reason is not None or self.restarting else self._unwatched()
        if count < 2:
            super().advance(data_fetcher)
        else:
            self._stretch(data_fetcher, count)

    def _unwatched(self) -> int:
        """Return how many batches may be taken before the next one that Lightning has to see."""
        trainer = self.trainer
        done, each = self.batch_progress.current.ready, trainer.accumulate_grad_batches
        if not done or done % each:
            return 0
        free = [int(trainer.num_training_batches) - 1 - done, MOST_STEPS, self._loader.fitting(MOST_VALUES)]
        every = trainer.val_check_batch
        if self._should_check_val_epoch() and isinstance(every, int):
            passed = self.batch_progress.total.ready if trainer.check_val_every_n_epoch is None else done
            free.append(every - passed % every - 1)
        if self.max_steps != -1:
            free.append((self.max_steps - self.global_step - 1) * each)
        for callback in trainer.checkpoint_callbacks:
            steps = callback._every_n_train_steps if isinstance(callback, ModelCheckpoint) else 0
            if steps:
                free.append((steps - self.global_step % steps - 1) * each)
        return min(free) // each * each

    @property
    def _loader(self) -> BatchLoader:
        return self.trainer.fit_loop._combined_loader.flattened[0]  # type: ignore[union-attr]

    def _stretch(self, data_fetcher: Any, count: int) -> None:
        trainer = self.trainer
        module = cast(LitClassifier, trainer.lightning_module)
        optimizer = trainer.optimizers[0]
        schedules = [config.scheduler for config in trainer.lr_scheduler_configs if config.interval == "step"]
        each, clip = trainer.accumulate_grad_batches, trainer.gradient_clip_val
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        followers = [c.on_stretch_step for c in trainer.callbacks if hasattr(c, "on_stretch_step")]  # type: ignore[attr-defined]
        first_step, first_batch = self.global_step, self.batch_progress.current.ready
        batches = module.prepared(*self._loader.take(count), first_batch)
        backward, step = bare_backward(), bare_step(optimizer)
        rates: list[float] = []
        done = 0
        try:
            for batch in batches:
                if done % each == 0:
                    rates.append(optimizer.param_groups[0]["lr"])
                    for parameter in parameters:
                        parameter.grad = None
                loss = module.batch_loss(*batch)
                backward(loss if each == 1 else loss / each)
                done += 1
                if done % each == 0:
                    if clip:
                        module.configure_gradient_clipping(optimizer, clip, trainer.gradient_clip_algorithm)
                    step()
                    for schedule in schedules:
                        schedule.step()
                    for follow in followers:
                        follow(trainer, module, first_step + done // each)
        except Exception as error:
            error.add_note(f"in batch {first_batch + done} of epoch {trainer.current_epoch}")
            raise
        finally:
            self._count(data_fetcher, done, done // each, len(schedules))
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if hasattr(callback, "on_stretch_end"):
                callback.on_stretch_end(trainer, module, first_step, rates)

    def _count(self, data_fetcher: Any, batches: int, steps: int, schedules: int) -> None:
        """Bring every counter to where single steps would have brought it."""
        self.batch_progress.increment_by(batches)
        progress = self.automatic_optimization.optim_progress.optimizer
        progress.step.increment_by(steps)
        progress.zero_grad.increment_by(steps)
        self.scheduler_progress.increment_by(steps * schedules)
        data_fetcher.fetched += batches
        self.trainer.fit_loop._combined_loader._iterator._idx += batches  # type: ignore[union-attr]
        # Lightning adds the last one itself, in ``on_advance_end``
        self._batches_that_stepped += max(steps - 1, 0)
