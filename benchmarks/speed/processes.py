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

    ``peak_bytes`` is the largest resident set, mapped files included; ``peak_anonymous_bytes``, which Linux alone
    tells, the largest of what is no file's, looked at 50 times a second.

    Raises ``RuntimeError`` with the last line of its output when the exit code is not the ``expected`` one.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **ONE_THREAD, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    anonymous = _Anonymous(process.pid)
    anonymous.start()
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    anonymous.join()
    if process.returncode != expected:
        raise RuntimeError(f"exit code {process.returncode}: {output.strip().rpartition(chr(10))[2]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Finished(output, began, seconds, usage.ru_maxrss * unit, anonymous.peak)


class _Anonymous(threading.Thread):
    """Watches a process's anonymous memory until it has ended."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self.peak = 0

    def run(self) -> None:
        while True:
            try:
                lines = self._status.read_text(encoding="utf-8").splitlines()
            except OSError:
                return
            found = [line for line in lines if line.startswith("RssAnon:")]
            # a process that has ended, but was not waited for, has no memory
            if not found:
                return
            self.peak = max(self.peak, int(found[0].split()[1]) * 1024)
            time.sleep(_SAMPLE_SECONDS)
