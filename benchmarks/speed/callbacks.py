"""Callbacks that write down when things happen in a training, and what its steps spend their time on."""

import json
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from benchmarks.speed.parts import Stopwatches


class Stopwatch(pl.Callback):
    """Writes ``path`` at the end of training: ``[event, epoch, time.monotonic()]`` for each event.

    Events are ``train_start``, ``epoch_start``, ``first_step``, ``validation_start``, ``validation_end``,
    ``epoch_end`` and ``train_end``. Checkpoints are written after ``validation_end`` and ``epoch_end``.

    Args:
        path: the file.
        stop_at: end the training after the first validation whose ``val/acc`` reaches this.
    """

    # the first step is never part of a stretch
    bears_stretches = True

    def __init__(self, path: str, stop_at: float | None = None) -> None:
        self.path = Path(path)
        self.stop_at = stop_at
        self.reached = False
        self._events: list[tuple[str, int, float]] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note it."""
        self._note("train_start", trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note it."""
        self._note("epoch_start", trainer)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Note the first step of all."""
        if trainer.global_step == 1:
            self._note("first_step", trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note it, but for Lightning's check before the training."""
        if not trainer.sanity_checking:
            self._note("validation_start", trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note it, and stop when the accuracy is reached."""
        if trainer.sanity_checking:
            return
        self._note("validation_end", trainer)
        if self.stop_at is not None and float(trainer.callback_metrics["val/acc"]) >= self.stop_at:
            self.reached = trainer.should_stop = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note it."""
        self._note("epoch_end", trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note it and write the file."""
        self._note("train_end", trainer)
        self.path.write_text(json.dumps({"events": self._events, "reached": self.reached}), encoding="utf-8")

    def _note(self, event: str, trainer: pl.Trainer) -> None:
        self._events.append((event, trainer.current_epoch, time.monotonic()))


class StepParts(pl.Callback):
    """Times the parts of every step of the second epoch and writes them to ``path``, microseconds a step.

    ``gather`` takes and scales the batches, ``finite`` asks whether the loss is, ``bookkeeping`` notes figures,
    counts and shows progress, ``rest`` is what lies between within stretches, ``outside`` what the epoch takes
    besides: its first and last step, which go through Lightning, and drawing its order.
    """

    # the first step is never part of a stretch
    bears_stretches = True

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._watches = Stopwatches()
        self._began = 0.0
        self._first = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put a stopwatch around everything that a step calls."""
        import lit_tricks.module
        from lit_tricks import stretches

        module: Any = pl_module
        loop: Any = trainer.fit_loop.epoch_loop
        loader: Any = trainer.train_dataloader
        for part, owner, name in (
            ("rest", loop, "_stretch"),
            ("gather", loader, "take"),
            ("gather", module.normaliser, "forward"),
            ("forward", module.network, "forward"),
            ("loss", module.objective, "forward"),
            ("finite", lit_tricks.module, "is_finite_here"),
            ("bookkeeping", module._figures, "note"),
            ("bookkeeping", loop, "_count"),
            *(("bookkeeping", one, "on_stretch_end") for one in trainer.callbacks if hasattr(one, "on_stretch_end")),
        ):
            setattr(owner, name, self._watches.around(part, getattr(owner, name)))
        backward, step = stretches.bare_backward, stretches.bare_step
        stretches.bare_backward = lambda: self._watches.around("backward", backward())
        stretches.bare_step = lambda optimizer: self._watches.around("optimizer", step(optimizer))

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin."""
        self._watches.reset()
        self._began, self._first = time.perf_counter(), trainer.global_step

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the parts of this epoch, over those of the one before."""
        seconds = time.perf_counter() - self._began
        found = self._watches.a_step(seconds, trainer.global_step - self._first, "outside")
        self.path.write_text(json.dumps(found), encoding="utf-8")
