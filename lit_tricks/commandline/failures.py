"""What a failure prints, which exit code it has, and what a sweep says at its end."""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hydra.errors import HydraException, InstantiationException
from omegaconf.errors import OmegaConfBaseException

from lit_tricks.errors import UserError

SUCCESS, FAILURE, MISTAKE, STOPPED = 0, 1, 2, 130

# Set by the user for tracebacks; set by us for the time of Hydra's own call, so that it raises instead of printing.
HYDRA_FULL_ERROR = "HYDRA_FULL_ERROR"
WISH = "LIT_TRICKS_TRACEBACK"
JOURNAL = "LIT_TRICKS_JOURNAL"


class SweepFailed(UserError):
    """A sweep came to nothing; its message stands for those of its jobs, which were told when they failed."""


def mistake_in(error: BaseException) -> UserError | None:
    """Return the ``UserError`` behind an exception, through what Hydra wraps around it; None when there is none."""
    current: BaseException | None = error
    while current is not None:
        if isinstance(current, UserError):
            return current
        wrapped = isinstance(current, InstantiationException)
        current = current.__cause__ or (current.__context__ if wrapped else None)
    return None


def wants_traceback() -> bool:
    """Return whether the user asked for tracebacks with ``HYDRA_FULL_ERROR=1``."""
    return os.environ.get(WISH, os.environ.get(HYDRA_FULL_ERROR)) == "1"


def tell(error: BaseException, where: str = "") -> int:
    """Print one failure on stderr and return its exit code; only what is no user's mistake brings a traceback."""
    mistake = mistake_in(error)
    if mistake is None or wants_traceback():
        traceback.print_exception(error)
    message = str(mistake) if mistake is not None else f"{type(error).__name__}: {error}"
    print(f"error{where}: {message}", file=sys.stderr, flush=True)
    return FAILURE if mistake is None else MISTAKE


def as_mistake(error: Exception, place: str = "hydra.run.dir") -> Exception:
    """Return what Hydra itself refuses, outside any job, as the user's mistake; everything else unchanged.

    ``place`` is the key that moves the folder which Hydra makes for the run or the sweep.
    """
    if isinstance(error, OSError) and error.filename is not None:
        folder = os.path.abspath(os.fsdecode(error.filename))
        return UserError(
            f"a run needs a folder it can write to; received {folder} ({error.strerror}): "
            f"choose another with {place}=FOLDER"
        )
    if isinstance(error, HydraException | OmegaConfBaseException | ValueError) and mistake_in(error) is None:
        return UserError(" ".join(str(error).split()))
    return error


@dataclass(frozen=True)
class JobRecord:
    """How one job of a sweep ended; ``code`` is the exit code it would have had alone."""

    number: int
    overrides: Sequence[str]
    code: int


def record(entry: JobRecord) -> None:
    """Append one job's end to the sweep's journal; it may be written from another process."""
    path = os.environ.get(JOURNAL)
    if path:
        with open(path, "a", encoding="utf-8") as journal:
            journal.write(json.dumps(asdict(entry)) + "\n")


def conclude(journal: Path) -> int | None:
    """Print how many jobs of the journal failed and return the sweep's exit code; None when no job failed."""
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.is_file() else []
    # a job's further processes write the same number again
    records = {entry.number: entry for entry in sorted((JobRecord(**json.loads(line)) for line in lines), key=_code)}
    failed = [entry for _, entry in sorted(records.items()) if entry.code != SUCCESS]
    if not failed:
        return None
    names = ", ".join(f"{entry.number} ({' '.join(entry.overrides)})" for entry in failed)
    print(f"error: {len(failed)} of {len(records)} jobs failed: {names}", file=sys.stderr, flush=True)
    return MISTAKE if all(entry.code == MISTAKE for entry in failed) else FAILURE


def _code(entry: JobRecord) -> int:
    return entry.code
