"""The folder that holds everything one run leaves behind."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from lit_tricks.errors import UserError
from lit_tricks.files import locked, write_atomically

UNFINISHED = "did not finish: the process was killed or is still running"


class RunDirectory:
    """One run's files by name; it never overwrites another run's.

    ``results.json`` exists from the first moment with ``status: failed`` and is replaced at the end, so a
    run that was killed is marked as failed without having to say so itself.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.results = path / "results.json"
        self.metrics = path / "metrics.csv"
        self.predictions = path / "predictions.npz"
        self.mistakes = path / "mistakes.csv"
        self.regions = path / "regions.npz"
        self.correction = path / "correction.json"
        self.diagnosis = path / "diagnosis.json"
        self.figures = path / "figures"
        self.checkpoints = path / "checkpoints"
        self.best_checkpoint = self.checkpoints / "best.ckpt"
        self.last_checkpoint = self.checkpoints / "last.ckpt"

    @classmethod
    def claim(cls, path: Path) -> "RunDirectory":
        """Take ``path`` for a new run, or ``path-2``, ``path-3`` … when a run already lives there.

        The claim is the exclusive creation of ``results.json``, so two processes never share a folder.
        """
        for attempt in range(1, 1000):
            candidate = path if attempt == 1 else path.with_name(f"{path.name}-{attempt}")
            try:
                candidate.mkdir(parents=True, exist_ok=True)
                with open(candidate / "results.json", "x", encoding="utf-8") as file:
                    json.dump({"status": "failed", "reason": UNFINISHED}, file)
            except FileExistsError:
                continue
            except OSError as error:
                raise UserError(
                    f"a run needs a folder it can write to; received {candidate} ({error.strerror}): "
                    "choose another with hydra.run.dir=FOLDER"
                ) from error
            return cls(candidate)
        raise UserError(f"a run needs a folder of its own; {path} and 998 numbered ones hold runs: clear some")

    @classmethod
    def open(cls, path: str | Path) -> "RunDirectory":
        """Return the run that lives at ``path``; raises ``UserError`` when none does."""
        directory = cls(Path(path).expanduser())
        if not directory.path.is_dir():
            raise UserError(f"run must be a run directory; received {path}, which is no folder: list runs/")
        if not directory.config.is_file():
            raise UserError(f"run must be a run directory; {path} holds no config.yaml: list runs/")
        return directory

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the run for this process; raises ``UserError`` while another one trains in it."""
        busy = f"one process at a time may train a run; another holds {self.path}: wait until it ends"
        with locked(self.path / ".lock", busy):
            yield

    def read_results(self) -> dict[str, Any]:
        """Return the content of ``results.json``, empty when it is absent or unreadable."""
        try:
            content = json.loads(self.results.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            return {}
        return content if isinstance(content, dict) else {}

    def read_config(self) -> dict[str, Any]:
        """Return the resolved configuration; raises ``UserError`` when it is damaged."""
        try:
            content = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise UserError(f"config.yaml must be readable YAML; {self.config} is not: restore it") from error
        if not isinstance(content, dict):
            raise UserError(f"config.yaml must hold a mapping; {self.config} does not: restore it")
        if any("${" in text for text in _texts(content)):
            raise UserError(f"a run's config.yaml holds values, no interpolations; {self.config} has one: restore it")
        return content

    def require_classifier(self) -> None:
        """Raise ``UserError`` when the run is a study, which trained nothing that could be used or trained further."""
        study = self.read_config().get("study")
        if isinstance(study, Mapping) and study:
            raise UserError(
                f"a run must have trained a classifier to be resumed, evaluated or used; {self.path} holds a study "
                f"({study.get('_target_')}): run the study again, or name another run"
            )

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Store the resolved configuration."""
        write_atomically(self.config, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))

    def write_results(self, results: Mapping[str, Any]) -> None:
        """Replace ``results.json``; NaN and infinity become null, since JSON has neither."""
        write_atomically(self.results, json.dumps(_finite(results), indent=2, allow_nan=False) + "\n")

    def checkpoint(self) -> Path:
        """Return the checkpoint whose weights gave the run's test metrics; raises ``UserError`` without one."""
        results = self.read_results()
        named = results.get("checkpoint")
        # only a name counts: a run directory may come from a stranger
        names = [Path(named).name] if isinstance(named, str) else ["last.ckpt", "best.ckpt"]
        for name in names:
            if (self.checkpoints / name).is_file():
                return self.checkpoints / name
        state = f"{results.get('status', 'unknown')}: {results.get('reason') or 'no checkpoint was kept'}"
        raise UserError(
            f"a run needs a checkpoint to be used; {self.path} holds no {names[0]} ({state}): "
            "train again, or resume the run if it was stopped"
        )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return value
