"""``metrics.csv``: one row per epoch."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pytorch_lightning.utilities import rank_zero_only

from lit_tricks.errors import UserError
from lit_tricks.files import write_atomically
from lit_tricks.loggers.run_logger import RunLogger

KEYS = ("epoch", "step")


class MetricsCSV(RunLogger):
    """Writes ``<run_dir>/metrics.csv`` with one row per epoch, whatever the hook that logged a value.

    Columns are ``epoch``, ``step``, then ``train/…``, ``val/…`` and the rest, each in order of first
    appearance. A value logged again in the same epoch replaces the earlier one, so of step-level values the
    last one stays; ``step`` is the largest that Lightning gave. Values that come without an ``epoch`` belong
    to the last row if its step has not been passed, otherwise to the next row. ``test/…`` is left out, since
    a test belongs to no epoch, and so are rows of ``val/…`` and ``train_clean/…`` alone, as ``Trainer.validate``
    logs them or an epoch that has not ended.

    The file is replaced atomically whenever a row gains a value it did not have, so a killed process leaves
    complete rows; the end of training waits until they have reached the disk. A number that ``float32`` holds
    exactly, as those that torch computed, is the shortest text that ``float32`` reads back; others have every
    digit of ``float64``.

    Args:
        run_dir: the run's directory; created when absent.
        resume_epoch: keep the rows of epochs before this one exactly as they are and continue after them.
            None starts a new file.

    Raises:
        UserError: at the first value, when ``metrics.csv`` exists and ``resume_epoch`` is None.
    """

    def __init__(self, run_dir: str | Path, resume_epoch: int | None = None) -> None:
        super().__init__(run_dir)
        self._path = self._run_dir / "metrics.csv"
        self._resume_epoch = resume_epoch
        self._opened = False
        self._columns: list[str] = list(KEYS)
        self._rows: dict[int, dict[str, str]] = {}
        # header and every row but the last as text: rendering ten thousand rows three times an epoch takes longer
        # than an epoch of a small network
        self._settled = ""
        self._waiting: dict[str, str] = {}

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing: ``config.yaml`` holds the configuration."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Merge ``metrics`` into the row of their ``epoch``."""
        cells = {name: _cell(value) for name, value in metrics.items() if _belongs(name)}
        if not cells:
            return
        self._open()
        epoch = metrics.get("epoch")
        if epoch is None:
            last = next(reversed(self._rows), None)
            if last is None or step is None or step > int(self._rows[last].get("step") or -1):
                self._waiting.update(cells)
                return
            epoch = last
        self._merge(int(epoch), self._waiting | cells, step)
        self._waiting = {}

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what has not been written yet."""
        if self._waiting and self._rows:
            self._merge(next(reversed(self._rows)), self._waiting, None)
            self._waiting = {}
        if self._rows:
            self._write(sync=True)

    def _merge(self, epoch: int, cells: Mapping[str, str], step: int | None) -> None:
        last = next(reversed(self._rows), None)
        if epoch not in self._rows and last is not None:
            self._settled += self._line(last)
        row = self._rows.setdefault(epoch, {"epoch": str(epoch)})
        gained = not row.keys() >= cells.keys()
        row.update(cells)
        if step is not None:
            row["step"] = str(max(step, int(row.get("step") or 0)))
        if self._widen(cells) or last is None or epoch < last:
            self._settle()
        # values of every step only replace each other: writing waits for the epoch's end
        if gained:
            self._write()

    def _widen(self, names: Iterable[str]) -> bool:
        new = [name for name in names if name not in self._columns]
        self._columns = [*KEYS, *sorted([*self._columns[len(KEYS) :], *new], key=_place)]
        return bool(new)

    def _settle(self) -> None:
        self._rows = dict(sorted(self._rows.items()))
        self._settled = _csv(self._columns) + "".join(map(self._line, list(self._rows)[:-1]))

    def _write(self, sync: bool = False) -> None:
        text = self._settled + self._line(next(reversed(self._rows)))
        if text == _csv(self._columns):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # waiting for the disk three times an epoch can take longer than an epoch of a small network
        write_atomically(self._path, text, sync=sync)

    def _line(self, epoch: int) -> str:
        row = self._rows[epoch]
        if all(name in KEYS or name.startswith(("val/", "train_clean/")) for name in row):
            return ""
        return _csv([row.get(column, "") for column in self._columns])

    def _open(self) -> None:
        """Read the rows to keep, once; every process builds a logger but only the first one gets here."""
        if self._opened:
            return
        self._opened = True
        if not self._path.exists():
            return
        if self._resume_epoch is None:
            raise UserError(
                f"a run's metrics.csv is never overwritten; {self._path} exists: "
                "choose another run_dir, or continue it with resume_epoch=N"
            )
        for row in csv.DictReader(self._path.read_text(encoding="utf-8").splitlines()):
            epoch = row.get("epoch") or ""
            if epoch.isdigit() and int(epoch) < self._resume_epoch:
                cells = {name: cell for name, cell in row.items() if name and cell}
                self._rows[int(epoch)] = cells
                self._widen(cells)
        self._settle()


def table_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as the text of a CSV file, columns in order of first appearance, numbers as ``metrics.csv`` has them.

    A row may lack columns: their cells stay empty.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = ([_cell(row[name]) if name in row else "" for name in columns] for row in rows)
    return _csv(columns) + "".join(map(_csv, lines))


def _belongs(name: str) -> bool:
    return name not in KEYS and not name.startswith("test/")


def _place(name: str) -> int:
    return {"train": 0, "val": 1}.get(name.split("/")[0], 2)


def _cell(value: Any) -> str:
    """Return the shortest text that gives ``value`` back, in 32 bits if it has no more."""
    if isinstance(value, int):
        return str(value)
    number = float(value)
    with np.errstate(over="ignore"):
        single = np.float32(number)
    return str(single) if float(single) == number else repr(number)


def _csv(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
