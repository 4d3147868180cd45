"""Standard output whose reader may leave, as ``head`` does, while the run goes on."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Unbroken:
    """A stream that drops what is written once nobody reads it any more, and is the original in all else."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return int(self._stream.write(text))
        except BrokenPipeError:
            self._drop()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._drop()

    def _drop(self) -> None:
        # what is buffered is written once more at exit
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def outliving_its_reader() -> Iterator[None]:
    """Let the block print to a pipe whose reader may leave; a run is worth more than its last lines."""
    stream = sys.stdout
    sys.stdout = _Unbroken(stream)  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout = stream
