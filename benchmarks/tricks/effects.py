"""What was measured, in one JSON file that an interrupted command goes on with."""

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.tricks.settings import BASELINE
from lit_tricks.files import write_atomically
from lit_tricks.report.statistics import PairedDifference, paired_difference


class Effects:
    """The figures by setting and word.

    Args:
        file: ``effects.json``; read when it exists.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.content: dict[str, Any] = {"machine": "", "settings": {}}
        if file.is_file():
            self.content = json.loads(file.read_text(encoding="utf-8"))

    def has(self, setting: str, word: str) -> bool:
        """Return whether a word was measured in a setting."""
        return word in self.content["settings"].get(setting, {})

    def add(self, setting: str, word: str, figures: Mapping[str, Any], machine: str) -> None:
        """Keep what was measured, on disk too."""
        self.content["machine"] = machine
        self.content["settings"].setdefault(setting, {})[word] = dict(figures)
        self._save()

    def forget(self, words: set[str]) -> None:
        """Drop the figures of words that no longer exist."""
        for name, measured in self.content["settings"].items():
            kept = {word: figures for word, figures in measured.items() if word in words or word == BASELINE}
            self.content["settings"][name] = kept
        self._save()

    def _save(self) -> None:
        write_atomically(self.file, json.dumps(self.content, indent=1) + "\n")

    def obstacle(self, setting: str, word: str) -> tuple[str, str] | None:
        """Return ``refused`` or ``failed`` and the message where a word cannot be used in a setting, else None."""
        found = self.content["settings"].get(setting, {}).get(word, {})
        return next(((kind, found[kind]) for kind in ("refused", "failed") if kind in found), None)

    def accuracy(self, setting: str, word: str) -> list[float] | None:
        """Return the test accuracy by seed, None where there is none."""
        return self.content["settings"].get(setting, {}).get(word, {}).get("accuracy")

    def effect(self, setting: str, word: str) -> PairedDifference | None:
        """Return the difference of test accuracy to the baseline, None where one of them was not measured."""
        before, after = self.accuracy(setting, BASELINE), self.accuracy(setting, word)
        return None if before is None or after is None else paired_difference(before, after)

    def slowdown(self, setting: str, word: str) -> float | None:
        """Return the median time of training in units of the baseline's."""
        measured = self.content["settings"].get(setting, {})
        if "seconds" not in measured.get(word, {}) or "seconds" not in measured.get(BASELINE, {}):
            return None
        return statistics.median(measured[word]["seconds"]) / statistics.median(measured[BASELINE]["seconds"])
