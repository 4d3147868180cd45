"""Fetches files from the first mirror that serves verified content."""

import os
import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import pooch
from tqdm import tqdm

from lit_tricks.errors import UserError

ANSWER_SECONDS = 4.0
_STALL_SECONDS = 15.0
_CHUNK = 2**16


class DownloadError(Exception):
    """No mirror served the file; ``Mirrors.failures`` holds each one's reason."""


class Mirrors:
    """Base addresses of the same files, tried in order.

    A mirror that does not answer a first request within ``answer_seconds`` is not asked again, whether name
    resolution, connection or server is to blame; a connect timeout alone would be spent once per address of a
    host. A machine behind a silent firewall thus fails in ``answer_seconds`` per mirror, one without network
    at once.

    Attributes:
        failures: reason by base address, for every mirror that failed at least once.
    """

    def __init__(self, bases: Sequence[str], answer_seconds: float = ANSWER_SECONDS) -> None:
        self.bases = tuple(base.rstrip("/") for base in bases)
        self.failures: dict[str, str] = {}
        self._answer_seconds = answer_seconds
        self._answering: dict[str, bool] = {}

    def fetch(self, name: str, folder: Path, verify: Callable[[Path], None], max_bytes: int) -> None:
        """Put the file ``name`` into ``folder``, which is made where it lacks.

        It is written under a unique name there and moved when ``verify``, which raises ``UserError``
        for altered content, accepts it: neither a failure nor another process's download leaves a part behind.

        Raises ``DownloadError`` when no mirror served it, ``UserError`` when the folder cannot be written.
        """
        for base in self.bases:
            if not self._answers(base, name):
                continue
            part = _new_part(folder, name)
            try:
                _stream(f"{base}/{name}", part, max_bytes)
                verify(part)
                os.replace(part, folder / name)
                return
            except (OSError, ValueError) as error:
                self.failures[base] = _reason(error)
            finally:
                part.unlink(missing_ok=True)
        raise DownloadError(name)

    def _answers(self, base: str, name: str) -> bool:
        if base not in self._answering:
            reason = _probe(f"{base}/{name}", self._answer_seconds)
            self._answering[base] = reason is None
            if reason is not None:
                self.failures[base] = reason
        return self._answering[base]


class _Limited:
    """A file that refuses to grow beyond ``max_bytes``, against a mirror that never ends."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file = file
        self._left = max_bytes

    def write(self, chunk: bytes) -> None:
        self._left -= len(chunk)
        if self._left < 0:
            raise UserError("the mirror served more bytes than the file can have")
        self._file.write(chunk)

    def flush(self) -> None:
        self._file.flush()


class _Bar(tqdm):
    def __bool__(self) -> bool:
        # pooch asks a bar for its truth value, which tqdm refuses until the size is known.
        return True

    def reset(self, total: float | None = None) -> None:
        # pooch recounts at the end; tqdm's own reset would restart the clock and show an absurd speed.
        self.n = self.last_print_n = 0


def _new_part(folder: Path, name: str) -> Path:
    part = folder / f".{name}.{uuid.uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.touch(exist_ok=False)
    except OSError as error:
        raise UserError(
            f"{folder} must be a writable folder for the download; received {error.strerror}: "
            "try data_dir=FOLDER with a folder of yours"
        ) from error
    return part


def _stream(url: str, part: Path, max_bytes: int) -> None:
    # A bar that is redrawn ten times a second is a nuisance in a log file.
    interval = 0.1 if sys.stderr.isatty() else 10.0
    label = url.rsplit("/", 1)[-1]
    with part.open("wb") as file, _Bar(desc=label, unit="B", unit_scale=True, mininterval=interval) as bar:
        fetch = pooch.HTTPDownloader(
            progressbar=bar,
            chunk_size=_CHUNK,
            timeout=(ANSWER_SECONDS, _STALL_SECONDS),
            # Otherwise a server may serve the .gz as an encoding, and the file would arrive unpacked.
            headers={"Accept-Encoding": "identity"},
        )
        fetch(url, _Limited(file, max_bytes), None)


def _probe(url: str, seconds: float) -> str | None:
    """Return None when the server gives any answer in time, otherwise why not."""
    outcome: list[str | None] = []

    def ask() -> None:
        try:
            pooch.HTTPDownloader(timeout=seconds)(url, None, None, check_only=True)
            outcome.append(None)
        except (OSError, ValueError) as error:
            outcome.append(_reason(error))

    # Name resolution knows no timeout, so it has to be left behind in a thread that no exit waits for.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[0] if outcome else f"no answer in {seconds:g} s"


def _reason(error: Exception) -> str:
    if isinstance(error, UserError):
        return "served altered content"
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    return getattr(error, "strerror", None) or type(error).__name__
