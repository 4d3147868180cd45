"""Processes that are timed, and the memory they take."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Finished:
    """A process that has ended: what it printed, when it began by ``time.monotonic``, seconds and bytes."""

    output: str
    began: float
    seconds: float
    peak_bytes: int
    peak_anonymous_bytes: int


def run(arguments: Sequence[str], environment: Mapping[str, str] | None = None, expected: int = 0) -> Finished:
    """Run Python with ``arguments`` in the repository, on one thread, and wait for it.

    ``peak_bytes`` is the largest resident set, mapped files included, ``peak_anonymous_bytes`` the largest of what
    is no file's. Both are looked at 50 times a second, on Linux; elsewhere they are 0.

    Raises ``RuntimeError`` with the last line of its output when the exit code is not the ``expected`` one.
    """
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **ONE_THREAD, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        memory = _Memory(process.pid)
        memory.start()
        output, _ = process.communicate()
    seconds = time.monotonic() - began
    memory.join()
    if process.returncode != expected:
        raise RuntimeError(f"exit code {process.returncode}: {output.strip().rpartition(chr(10))[2]}")
    return Finished(output, began, seconds, memory.peak("VmHWM"), memory.peak("RssAnon"))


class _Memory(threading.Thread):
    """Watches a process's memory until it has ended.

    ``resource.getrusage`` would start from what the parent held when it made the process.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self._peaks = {"VmHWM": 0, "RssAnon": 0}

    def peak(self, name: str) -> int:
        """Return the largest value in bytes."""
        return self._peaks[name]

    def run(self) -> None:
        while self._look():
            time.sleep(_SAMPLE_SECONDS)

    def _look(self) -> bool:
        """Return whether the process still has memory; one that nobody has waited for yet is there without."""
        try:
            lines = self._status.read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        found = dict(line.split(":", 1) for line in lines)
        for name in self._peaks.keys() & found.keys():
            self._peaks[name] = max(self._peaks[name], 1024 * int(found[name].split()[0]))
        return "VmHWM" in found
