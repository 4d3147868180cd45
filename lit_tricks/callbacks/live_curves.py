"""Learning curves in the terminal while a network trains."""

import math
import shutil
import sys
import time
from types import ModuleType
from typing import Any, TextIO

import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import TrainerFn
from tqdm import tqdm

# columns of the history behind the number of epochs trained
COLUMNS = ("train/loss", "train/acc", "val/loss", "val/acc")
PANELS = {"loss": "Loss", "acc": "Accuracy"}
SPLITS = {"train": ("training", "blue"), "val": ("validation", "red")}
BETTER = {"val/loss": min, "val/acc": max, "train/loss": min, "train/acc": max}
WIDEST = 120


class LiveCurves(pl.Callback):
    """Draws loss and accuracy of training and validation in the terminal after each epoch, with the best so far.

    The picture replaces the one before. Where ``stream`` is no terminal nothing is drawn. ``best/val_loss`` and
    ``best/val_acc``, the best so far, are logged in any case, which brings them into TensorBoard and ``metrics.csv``.

    Args:
        height: lines of the picture, at least 8.
        largest_share: largest share of the time that drawing may take, in (0, 1]; epochs so short that it would take
            more are drawn several at a time. The end of training is always drawn.
        stream: where to draw; standard output by default.
    """

    def __init__(self, height: int = 15, largest_share: float = 0.02, stream: TextIO | None = None) -> None:
        self.height = height
        self.largest_share = largest_share
        self._stream = stream or sys.stdout
        self._history: list[list[float]] = []
        self._finished: int | None = None
        self._validated = False
        self._lines = 0
        self._next = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Keep the curves for a run that resumes."""
        return {"history": torch.tensor(self._history, dtype=torch.float64)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what ``state_dict`` kept."""
        self._history = state_dict["history"].tolist()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note that the figures of validation are new."""
        self._validated = not trainer.sanity_checking and trainer.state.fn == TrainerFn.FITTING

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the best so far; training's own figures are not complete before the next hook."""
        self._finished = trainer.current_epoch + 1
        for column in ("val/loss", "val/acc"):
            found = [value for _, value in self._points(column)]
            if self._validated:
                found.append(float(trainer.callback_metrics[column]))
            if found:
                pl_module.log(f"best/{column.replace('/', '_')}", BETTER[column](found))

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw the epoch before, if the last picture was long enough ago."""
        self._note(trainer)
        if self._history and time.monotonic() >= self._next:
            self._draw(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw all of training."""
        self._note(trainer)
        self._draw(trainer)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Draw what training came to."""
        self.on_train_end(trainer, pl_module)

    def _note(self, trainer: pl.Trainer) -> None:
        """Put the figures of the epoch that has ended into the history, once."""
        if self._finished is None or "train/loss" not in trainer.callback_metrics:
            return
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if not self._validated:
            figures = {name: value for name, value in figures.items() if not name.startswith("val/")}
        self._history.append([float(self._finished), *(figures.get(column, math.nan) for column in COLUMNS)])
        self._finished, self._validated = None, False

    def _points(self, column: str) -> list[tuple[int, float]]:
        """Return (epochs trained, value) of every finite value."""
        place = 1 + COLUMNS.index(column)
        return [(int(row[0]), row[place]) for row in self._history if math.isfinite(row[place])]

    def _draw(self, trainer: pl.Trainer) -> None:
        if not (self._history and trainer.is_global_zero and self._stream.isatty()):
            return
        # loading it must not count against the pictures to come
        import plotext

        started = time.monotonic()
        text = f"{self._picture(plotext)}\n{self._sentence(trainer)}\n"
        # a progress bar on the line below must not be torn
        with tqdm.external_write_mode(file=self._stream):
            self._stream.write(f"\x1b[{self._lines}F\x1b[J{text}" if self._lines else text)
            self._stream.flush()
        self._lines = text.count("\n")
        ended = time.monotonic()
        self._next = ended + (ended - started) / self.largest_share

    def _picture(self, plotext: ModuleType) -> str:
        # otherwise it clears, and divides once more, the panel drawn last
        plotext.main().clear_figure()
        plotext.subplots(1, len(PANELS))
        plotext.plot_size(min(shutil.get_terminal_size().columns, WIDEST) - 1, self.height)
        for place, (name, title) in enumerate(PANELS.items(), start=1):
            panel = plotext.subplot(1, place)
            panel.theme("clear")
            panel.title(title)
            for split, (word, colour) in SPLITS.items():
                points = self._points(f"{split}/{name}")
                if points:
                    # a legend stands in the upper left corner, where the loss begins and accuracy seldom is
                    label = word if name == "acc" else None
                    panel.plot(*zip(*points, strict=True), label=label, color=colour, marker="braille")
            last = int(self._history[-1][0])
            panel.xticks(sorted({round(1 + share * (last - 1)) for share in (0, 0.25, 0.5, 0.75, 1)}))
        return plotext.build().rstrip("\n")

    def _sentence(self, trainer: pl.Trainer) -> str:
        of = "" if trainer.max_epochs in (None, -1) else f"/{trainer.max_epochs}"
        told = [f"epoch {int(self._history[-1][0])}{of}"]
        split = "val" if self._points("val/loss") else "train"
        for name, title in PANELS.items():
            points = self._points(f"{split}/{name}")
            if points:
                best = BETTER[f"{split}/{name}"](value for _, value in points)
                epoch = next(epoch for epoch, value in points if value == best)
                told.append(f"best {SPLITS[split][0]} {title.lower()} {best:.4f} in epoch {epoch}")
        return " | ".join(told)
