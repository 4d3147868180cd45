"""Wall time by stage."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def clocked(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add the block's wall time, in seconds to the millisecond, to ``seconds[stage]``."""
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = round(seconds.get(stage, 0.0) + time.perf_counter() - started, 3)
