"""``benchmarks.json``: every row's last complete measurement, and how far an interrupted command came."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.row import Figures, Rounds
from lit_tricks.files import write_atomically


class Results:
    """The rows measured so far, and beside their file another one, as long as it is needed, of what is under way.

    A command that is given again after an interruption, in the same circumstances, goes on where it stopped; any
    other begins anew. A row's earlier measurement stays until its new one is complete.

    Attributes:
        rows: name → ``environment``, ``code``, ``rounds`` and ``failures``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._draft = path.with_suffix(".unfinished.json")
        self.rows: dict[str, Any] = _read(path).get("rows", {})
        self._unfinished: dict[str, Any] = _read(self._draft)

    def begin(self, names: Sequence[str], command: dict[str, Any]) -> list[str]:
        """Return which of the rows ``names`` the ``command`` has still to measure."""
        command = {**command, "names": list(names)}
        if self._unfinished.get("command") != command:
            self._unfinished = {"command": command, "remaining": list(names), "rounds": [], "failures": {}}
        return list(self._unfinished["remaining"])

    def next(self, contenders: Sequence[str], wanted: int) -> tuple[int, str] | None:
        """Return round and contender of the present row's next measurement, None when it has all ``wanted`` rounds."""
        rounds = self._unfinished["rounds"]
        for number in range(wanted):
            done = rounds[number] if number < len(rounds) else {}
            for name in contenders:
                if name not in done:
                    return number, name
        return None

    def add(self, number: int, contender: str, figures: Figures | None, failure: str | None = None) -> None:
        """Keep one measurement of the present row; ``figures`` are None when it failed."""
        rounds: Rounds = self._unfinished["rounds"]
        if number == len(rounds):
            rounds.append({})
        rounds[number][contender] = figures
        if failure is not None:
            self._unfinished["failures"][contender] = failure
        self._save()

    def complete(self, environment: dict[str, str], code: str) -> None:
        """Let the present row's new measurement take the place of its old one, and go on to the next row."""
        name = self._unfinished["remaining"].pop(0)
        kept = {key: self._unfinished[key] for key in ("rounds", "failures")}
        self.rows[name] = {"environment": environment, "code": code, **kept}
        self._unfinished |= {"rounds": [], "failures": {}}
        write_atomically(self.path, json.dumps({"rows": self.rows}, indent=2) + "\n")
        if self._unfinished["remaining"]:
            self._save()
        else:
            self._unfinished = {}
            self._draft.unlink(missing_ok=True)

    def _save(self) -> None:
        write_atomically(self._draft, json.dumps(self._unfinished, indent=2) + "\n")


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
