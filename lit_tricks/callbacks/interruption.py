"""Ctrl-C between two steps instead of within one."""

import logging
import signal
import threading
from typing import Any

import pytorch_lightning as pl

log = logging.getLogger("lit_tricks")


class BetweenSteps(KeyboardInterrupt):
    """Ctrl-C, held back until an optimizer step was complete and every other callback had seen it."""


class Interruption(pl.Callback):
    """Lets the first Ctrl-C end training after the optimizer step that it comes in; the second one does not wait.

    Within a step weights, optimizer, averages and counters do not belong together, and no checkpoint of them would
    resume. A stretch of steps ends early for it; validation and what follows an epoch's last step are finished first.
    Training ends by ``BetweenSteps``, which lets ``Checkpoint`` save, or, when the last step has been saved
    already, by ``KeyboardInterrupt``. It must come last among the trainer's callbacks.

    Ctrl-C stays as it is where several processes train together, which would stop at different steps, outside the
    main thread, and where something else handles it.
    """

    # a stretch that is cut short is followed by a single step
    bears_stretches = True

    def __init__(self) -> None:
        self._trainer: pl.Trainer | None = None
        self._is_asked = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hold Ctrl-C back from now on."""
        self._trainer, self._is_asked = trainer, False
        alone = trainer.world_size == 1 and threading.current_thread() is threading.main_thread()
        if alone and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._ask)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Stop here if that was asked; the end of an epoch is waited for, as it is saved."""
        if self._is_asked and not trainer.is_last_batch and not trainer.fit_loop.epoch_loop._should_accumulate():
            raise BetweenSteps

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop after the epoch before."""
        if self._is_asked:
            raise KeyboardInterrupt

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop after the last epoch; otherwise hold Ctrl-C back no longer."""
        self._release()
        if self._is_asked:
            raise KeyboardInterrupt

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Hold Ctrl-C back no longer."""
        self._release()

    def _ask(self, *_: Any) -> None:
        self._release()
        self._is_asked = True
        log.info("stopping after this step; Ctrl-C once more stops at once")
        cut_short = getattr(self._trainer.fit_loop.epoch_loop, "cut_short", None)  # type: ignore[union-attr]
        if cut_short is not None:
            cut_short()

    def _release(self) -> None:
        if signal.getsignal(signal.SIGINT) == self._ask:
            signal.signal(signal.SIGINT, signal.default_int_handler)
