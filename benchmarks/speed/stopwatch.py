"""A callback that writes down when each part of a training begins and ends."""

import json
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl


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


class Times:
    """What a ``Stopwatch`` wrote.

    Attributes:
        epochs: how many were trained.
        reached: whether ``stop_at`` was.
    """

    def __init__(self, path: Path) -> None:
        content = json.loads(path.read_text(encoding="utf-8"))
        self.reached: bool = content["reached"]
        self._events: list[tuple[str, int, float]] = [tuple(event) for event in content["events"]]
        self.epochs = sum(event == "epoch_end" for event, _, _ in self._events)

    def at(self, event: str, epoch: int = 0) -> float:
        """Return when an event of an epoch, counted from 0, first happened; ``train_end`` belongs to none."""
        return next(when for name, of, when in self._events if name == event and (of == epoch or event == "train_end"))

    def steps(self, epoch: int) -> float:
        """Return the seconds from the start of an epoch until its steps are done and validation, if any, begins."""
        last = "validation_start" if self._has("validation_start") else "epoch_end"
        return self.at(last, epoch) - self.at("epoch_start", epoch)

    def validation(self, epoch: int) -> float:
        """Return the seconds of an epoch's one validation."""
        return self.at("validation_end", epoch) - self.at("validation_start", epoch)

    def whole(self, epoch: int) -> float:
        """Return the seconds from the start of an epoch to that of the next, or to the end of training."""
        last = epoch == self.epochs - 1
        end = self.at("train_end") if last else self.at("epoch_start", epoch + 1)
        return end - self.at("epoch_start", epoch)

    def _has(self, event: str) -> bool:
        return any(name == event for name, _, _ in self._events)
