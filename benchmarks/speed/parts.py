"""Where the time of a training step goes: a stopwatch around each of its parts."""

import json
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

PARTS = ("gather", "forward", "loss", "backward", "optimizer", "finite", "bookkeeping", "rest")


class Stopwatches:
    """Adds up seconds by part; what happens within a part of its own does not count for the one around it."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._within = 0.0

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function``, timed."""

        def timed(*arguments: Any, **options: Any) -> Any:
            outer, self._within = self._within, 0.0
            began = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                elapsed = time.perf_counter() - began
                self._seconds[part] += elapsed - self._within
                self._within = outer + elapsed

        return timed

    def reset(self) -> None:
        """Forget what was counted."""
        self._seconds.clear()

    def a_step(self, seconds: float, steps: int) -> dict[str, float]:
        """Return microseconds a step by part, ``rest`` and ``whole``, of ``steps`` that took ``seconds``."""
        found = {part: 1e6 * self._seconds.get(part, 0.0) / steps for part in PARTS if part != "rest"}
        whole = 1e6 * seconds / steps
        return {**found, "rest": whole - sum(found.values()), "whole": whole}


class StepParts(pl.Callback):
    """Times the parts of every step of the second epoch and writes them to ``path``, microseconds a step.

    ``gather`` takes and scales the batches, ``finite`` asks whether the loss is, ``bookkeeping`` notes figures,
    counts and shows progress, ``rest`` is what lies between.
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

        module: Any = pl_module
        optimizer = trainer.optimizers[0]
        loop: Any = trainer.fit_loop.epoch_loop
        loader: Any = trainer.train_dataloader
        for part, owner, name in (
            ("gather", loader, "take"),
            ("gather", module.normaliser, "forward"),
            ("forward", module.network, "forward"),
            ("loss", module.objective, "forward"),
            ("backward", torch.Tensor, "backward"),
            ("optimizer", optimizer, "step"),
            ("finite", lit_tricks.module, "is_finite_here"),
            ("bookkeeping", module._figures, "note"),
            ("bookkeeping", loop, "_count"),
            *(("bookkeeping", one, "on_stretch_end") for one in trainer.callbacks if hasattr(one, "on_stretch_end")),
        ):
            setattr(owner, name, self._watches.around(part, getattr(owner, name)))

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin."""
        self._watches.reset()
        self._began, self._first = time.perf_counter(), trainer.global_step

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the parts of this epoch, over those of the one before."""
        seconds = time.perf_counter() - self._began
        found = self._watches.a_step(seconds, trainer.global_step - self._first)
        self.path.write_text(json.dumps(found), encoding="utf-8")
