"""What the ``Stopwatch`` of a training wrote down."""

import json
from pathlib import Path


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
