"""How a training came out: which weights count, how it stepped and what ended it."""

from pathlib import Path

import pytorch_lightning as pl

from lit_tricks.build import Built
from lit_tricks.callbacks import EarlyStopping
from lit_tricks.run_directory import RunDirectory
from lit_tricks.search.trial import Pruning
from lit_tricks.stretches import StretchLoop, other_lightning


def counted_weights(built: Built, directory: RunDirectory) -> Path | None:
    """Return the checkpoint whose weights count: the best where early stopping restores it, else the last."""
    restored = any(isinstance(callback, EarlyStopping) for callback in built.callbacks)
    for saved in [directory.best_checkpoint] * restored + [directory.last_checkpoint]:
        if saved.is_file():
            return saved
    return None


def stepping(asked: str, trainer: pl.Trainer) -> str:
    """Return how the trainer stepped, ``stretches`` or ``single`` with the reason, when ``asked`` for one of both."""
    loop = trainer.fit_loop.epoch_loop
    if isinstance(loop, StretchLoop):
        against = loop.reason
    else:
        against = other_lightning() if asked == "auto" else f"stepping={asked}"
    return "stretches" if against is None else f"single: {against}"


def ended(built: Built) -> str:
    """Return what ended a training that the user did not stop."""
    trainer = built.trainer
    if not trainer.global_step:
        return "without a step"
    if any(isinstance(callback, EarlyStopping) and callback.stopped_epoch for callback in built.callbacks):
        return "early stopping"
    if any(isinstance(callback, Pruning) and callback.pruned for callback in built.callbacks):
        return "pruned"
    if trainer.max_epochs not in (None, -1) and trainer.current_epoch >= trainer.max_epochs:
        return "max_epochs"
    return "max_steps" if trainer.max_steps != -1 and trainer.global_step >= trainer.max_steps else "max_time"
