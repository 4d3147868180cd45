"""One progress bar for the whole run, and plain lines where there is no terminal."""

import sys
import time
from typing import Any, TextIO

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar
from tqdm import tqdm

SHOWN = {"train/loss": "loss", "train/acc": "acc", "val/loss": "val loss", "val/acc": "val acc"}


class RunProgress(ProgressBar):
    """Shows steps done, epoch, time left, the newest figures and the best validation loss so far.

    Lightning's bars show one epoch each and one more per validation; with short epochs they say little and
    cost more than the training itself. Where the output is no terminal, such as a log file, a line is
    written at the end of an epoch, at most one every ``plain_seconds``.

    Args:
        refresh_seconds: shortest time between two redraws, above 0.
        plain_seconds: shortest time between two lines in a log, at least 0.
        stream: where to write; standard error by default.
    """

    bears_stretches = True

    def __init__(self, refresh_seconds: float = 0.2, plain_seconds: float = 10.0, stream: TextIO | None = None) -> None:
        super().__init__()
        self._refresh_seconds = refresh_seconds
        self._plain_seconds = plain_seconds
        self._stream = stream or sys.stderr
        self._bar: tqdm | None = None
        self._enabled = True
        self._next_redraw = 0.0
        self._next_line = 0.0
        self._best: tuple[float, int] | None = None
        # the epoch that is over and not shown yet
        self._over: int | None = None

    def disable(self) -> None:
        """Show nothing, as Lightning asks on all processes but the first."""
        self._enabled = False

    def enable(self) -> None:
        """Show progress again."""
        self._enabled = True

    def print(self, *args: Any, sep: str = " ", **kwargs: Any) -> None:
        """Write a line without tearing the bar."""
        if self._enabled:
            tqdm.write(sep.join(map(str, args)), file=self._stream)

    def state_dict(self) -> dict[str, Any]:
        """Keep the best so far for a run that resumes."""
        return {"best": None if self._best is None else list(self._best)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what ``state_dict`` kept."""
        best = state_dict["best"]
        self._best = None if best is None else (best[0], best[1])

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the bar."""
        steps = trainer.estimated_stepping_batches
        if self._enabled and self._stream.isatty():
            self._bar = tqdm(
                total=None if steps == float("inf") else int(steps),
                initial=trainer.global_step,
                file=self._stream,
                dynamic_ncols=True,
                unit="step",
                # redraws are bounded by time below, which also bounds their cost
                miniters=sys.maxsize,
            )

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Redraw, if the last time was long enough ago."""
        if self._bar is not None and time.monotonic() >= self._next_redraw:
            self._redraw(trainer)

    def on_stretch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Redraw likewise after a stretch of steps."""
        self.on_train_batch_end(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the best so far."""
        loss = trainer.callback_metrics.get("val/loss")
        if loss is not None and (self._best is None or float(loss) < self._best[0]):
            self._best = (float(loss), trainer.current_epoch)
        # the module logs the epoch's training figures after this
        self._over = trainer.current_epoch

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the figures of the epoch before; where there is no terminal, if the last line was long enough ago."""
        if self._bar is not None or time.monotonic() >= self._next_line:
            self._show(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the last epoch's figures and close the bar."""
        self._show(trainer)
        self._close(trainer)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Close the bar, so that the message stands on a line of its own."""
        self._close(trainer)

    def _show(self, trainer: pl.Trainer) -> None:
        if self._over is None:
            return
        if self._bar is not None:
            self._redraw(trainer)
        elif self._enabled:
            self._next_line = time.monotonic() + self._plain_seconds
            print(self._sentence(trainer), file=self._stream, flush=True)
        self._over = None

    def _redraw(self, trainer: pl.Trainer) -> None:
        if self._bar is None:
            return
        self._bar.set_description_str(self._sentence(trainer), refresh=False)
        self._bar.n = trainer.global_step
        self._bar.refresh()
        self._next_redraw = time.monotonic() + self._refresh_seconds

    def _close(self, trainer: pl.Trainer) -> None:
        if self._bar is not None:
            self._redraw(trainer)
            self._bar.close()
            self._bar = None

    def _sentence(self, trainer: pl.Trainer) -> str:
        of = "" if trainer.max_epochs in (None, -1) else f"/{trainer.max_epochs}"
        figures = [
            f"{short} {float(trainer.callback_metrics[name]):.4f}"
            for name, short in SHOWN.items()
            if name in trainer.callback_metrics
        ]
        if self._best is not None:
            figures.append(f"best val loss {self._best[0]:.4f} in epoch {self._best[1] + 1}")
        running = trainer.current_epoch if self._over is None else self._over
        last = running + 1 if not of else min(running + 1, int(of[1:]))
        return " | ".join([f"epoch {last}{of}", *figures])
