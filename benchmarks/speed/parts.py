"""Where the time of a training step goes: a stopwatch around each of its parts."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

PARTS = ("gather", "forward", "loss", "backward", "optimizer", "finite", "bookkeeping", "rest", "outside")


class Stopwatches:
    """Adds up seconds by part; what happens within a part of its own does not count for the one around it."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._within = 0.0

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function``, timed."""

        def timed(*arguments: Any, **options: Any) -> Any:
            outer, self._within = self._within, 0.0
            began = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                elapsed = time.perf_counter() - began
                self._seconds[part] += elapsed - self._within
                self._within = outer + elapsed

        return timed

    def reset(self) -> None:
        """Forget what was counted."""
        self._seconds.clear()

    def a_step(self, seconds: float, steps: int, remainder: str) -> dict[str, float]:
        """Return microseconds a step by part and ``whole``, of ``steps`` that took ``seconds``.

        The part called ``remainder`` is given what no stopwatch saw.
        """
        found = {part: 1e6 * self._seconds.get(part, 0.0) / steps for part in PARTS}
        whole = 1e6 * seconds / steps
        found[remainder] += whole - sum(found.values())
        return found | {"whole": whole}
