"""Lightning's epoch loop, taking the steps that nobody watches in stretches."""

import logging
import math
from collections.abc import Iterator
from operator import length_hint
from typing import Any, cast

import pytorch_lightning as pl
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop

from lit_tricks.bare_steps import bare_backward, bare_step
from lit_tricks.data import BatchLoader
from lit_tricks.module import LitClassifier, Prepared
from lit_tricks.single_steps import (
    MOST_STEPS,
    MOST_VALUES,
    reason_for_single_steps,
    steps_between_saves,
    training_loaders,
)

log = logging.getLogger("lit_tricks")

# The loop below builds on internals, which Lightning may change with any minor version.
TESTED = "2.6."


def other_lightning() -> str | None:
    """Return why stretches are not to be had with the Lightning that is installed, None with a tested one."""
    if pl.__version__.startswith(TESTED):
        return None
    return f"stretches are tested with pytorch-lightning {TESTED}x, not {pl.__version__}"


def install_stretches(trainer: pl.Trainer) -> str | None:
    """Let ``trainer`` take unwatched steps in stretches; return why not when its Lightning is another one."""
    reason = other_lightning()
    if reason is None:
        old = trainer.fit_loop.epoch_loop
        trainer.fit_loop.epoch_loop = StretchLoop(trainer, old.min_steps, old.max_steps)
    return reason


class StretchLoop(_TrainingEpochLoop):
    """Takes optimizer steps in stretches wherever nothing between them would be seen.

    The first and the last batch of an epoch, a batch before validation, before a checkpoint or at ``max_steps``
    goes through Lightning as always, so every hook, counter and log that is due there is Lightning's own. The
    batches in between are gathered and prepared at once and stepped through by ``LitClassifier.batch_loss``, the same
    operations in the same order, and counted in one go. ``reason`` says why an epoch takes single steps, None
    when it does not; it is found as each epoch begins.

    A callback whose batch hooks may be left out in between says so by ``bears_stretches = True`` in the class that
    writes them. It may define ``on_stretch_step(trainer, module, step)``, called after each optimizer step with the
    number of steps taken so far in the run (``trainer.global_step`` is brought up to date later), and
    ``on_stretch_end(trainer, module, first_step, rates)``, called after a stretch with the number of steps before
    it and each step's learning rate.
    """

    def __init__(self, trainer: pl.Trainer, min_steps: int | None, max_steps: int) -> None:
        super().__init__(trainer, min_steps, max_steps)
        self.reason: str | None = "training has not started"
        self._is_cut = False
        # the running stretch and where it is
        self._batches: list[Prepared] = []
        self._ahead: Iterator[Prepared] = iter(())

    def on_run_start(self, data_fetcher: Any) -> None:
        """Judge this epoch, whose optimizers, loaders and callbacks need not be the last one's."""
        super().on_run_start(data_fetcher)
        self._is_cut = False
        before, self.reason = self.reason, reason_for_single_steps(self.trainer)
        if self.reason != before and self.trainer.is_global_zero:
            log.info("steps: %s", "in stretches" if self.reason is None else f"one by one, since {self.reason}")

    def advance(self, data_fetcher: Any) -> None:
        """Take one watched step or a stretch of unwatched ones; an error says in which batch."""
        count = 0 if self.reason is not None or self.restarting else self._unwatched()
        first = self.batch_progress.current.ready
        try:
            if count < 2:
                super().advance(data_fetcher)
            else:
                self._stretch(data_fetcher, count)
        except StopIteration:
            raise
        except Exception as error:
            error.add_note(f"in {self._place(first, count)} of epoch {self.trainer.current_epoch}")
            raise
        finally:
            self._batches, self._ahead = [], iter(())

    def cut_short(self) -> None:
        """Let the running stretch end with the optimizer step that it is at, and go on with single ones.

        A signal handler may call this between any two instructions. The steps of a stretch ask for nothing.
        """
        self._is_cut = True
        each = self.trainer.accumulate_grad_batches
        # a stretch of no step at all would make Lightning look at the batch before it twice
        del self._batches[max(math.ceil(self._begun() / each), 1) * each :]

    def _begun(self) -> int:
        return len(self._batches) - length_hint(self._ahead)

    def _place(self, first: int, count: int) -> str:
        if count >= 2 and not self._begun():
            return f"batches {first} to {first + count - 1}"
        return f"batch {first + max(self._begun() - 1, 0)}"

    def _unwatched(self) -> int:
        """Return how many batches may be taken before the next one that Lightning has to see."""
        trainer = self.trainer
        done, accumulated = self.batch_progress.current.ready, trainer.accumulate_grad_batches
        if self._is_cut or not done or done % accumulated:
            return 0
        limits = [int(trainer.num_training_batches) - 1 - done, MOST_STEPS, self._loader.fitting(MOST_VALUES)]
        every = trainer.val_check_batch
        if self._should_check_val_epoch() and isinstance(every, int):
            passed = self.batch_progress.total.ready if trainer.check_val_every_n_epoch is None else done
            limits.append(every - passed % every - 1)
        if self.max_steps != -1:
            limits.append((self.max_steps - self.global_step - 1) * accumulated)
        for steps in map(steps_between_saves, trainer.checkpoint_callbacks):
            if steps:
                limits.append((steps - self.global_step % steps - 1) * accumulated)
        return min(limits) // accumulated * accumulated

    @property
    def _loader(self) -> BatchLoader:
        return training_loaders(self.trainer)[0]

    def _stretch(self, data_fetcher: Any, count: int) -> None:
        trainer = self.trainer
        module = cast(LitClassifier, trainer.lightning_module)
        optimizer = trainer.optimizers[0]
        schedules = [config.scheduler for config in trainer.lr_scheduler_configs if config.interval == "step"]
        accumulated, clip = trainer.accumulate_grad_batches, trainer.gradient_clip_val
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        followers = [c.on_stretch_step for c in trainer.callbacks if hasattr(c, "on_stretch_step")]  # type: ignore[attr-defined]
        first_step, first_batch = self.global_step, self.batch_progress.current.ready
        backward, step = bare_backward(), bare_step(optimizer)
        rates: list[float] = []
        done, last = 0, accumulated - 1
        x, y, sizes = self._loader.take(count)
        if not sizes:
            # as a loader does that has no batch left, whatever its length promised
            raise StopIteration
        try:
            self._batches = module.prepared(x, y, sizes, first_batch)
            self._ahead = iter(self._batches)
            if self._is_cut:
                self.cut_short()
            for batch in self._ahead:
                place = done % accumulated
                if not place:
                    rates.append(optimizer.param_groups[0]["lr"])
                    for parameter in parameters:
                        parameter.grad = None
                loss = module.batch_loss(*batch)
                backward(loss if accumulated == 1 else loss / accumulated)
                if place != last:
                    done += 1
                    continue
                if clip:
                    module.configure_gradient_clipping(optimizer, clip, trainer.gradient_clip_algorithm)
                step()
                done += 1
                for schedule in schedules:
                    schedule.step()
                for follow in followers:
                    follow(trainer, module, first_step + done // accumulated)
        finally:
            self._loader.give_back(len(sizes) - done)
            self._count(data_fetcher, done, done // accumulated, len(schedules))
        if not self._should_accumulate():
            # Lightning adds this one itself, in ``on_advance_end``
            self._batches_that_stepped -= 1
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
        self._batches_that_stepped += steps
