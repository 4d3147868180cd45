"""Checks that every reader of users' own files makes before it trusts a path or a size."""

from pathlib import Path

from lit_tricks.errors import UserError

MAX_BYTES = 8 * 2**30
"""Largest data set, in bytes once in memory, that a reader allocates; change it before loading if you have more."""


def require_file(path: str | Path | None, override: str, owner: str) -> Path:
    """Return ``path`` as a non-empty file; ``owner`` (``data=csv``) gets it by ``override`` (``data.path``)."""
    found = _require(path, override, owner, "FILE")
    if found.is_dir():
        raise UserError(f"{override} must be a file; received the folder {found}: try {override}=FILE")
    if not found.is_file():
        raise UserError(f"{override} must be a regular file; received {found}: try {override}=FILE")
    if found.stat().st_size == 0:
        raise UserError(f"{override} must be a file with content; received {found}, which is empty")
    return found


def require_folder(path: str | Path | None, override: str, owner: str) -> Path:
    """Return ``path`` as an existing folder; the other arguments as in ``require_file``."""
    found = _require(path, override, owner, "FOLDER")
    if not found.is_dir():
        raise UserError(f"{override} must be a folder; received the file {found}: try {override}=FOLDER")
    return found


def check_bytes(count: int, what: str, remedy: str) -> None:
    """Raise ``UserError`` when ``what`` would take more than ``MAX_BYTES`` bytes of memory."""
    if count > MAX_BYTES:
        gib = 2**30
        raise UserError(
            f"data must fit into {MAX_BYTES / gib:.3g} GiB of memory; {what} needs {count / gib:.3g} GiB: {remedy}"
        )


def _require(path: str | Path | None, override: str, owner: str, placeholder: str) -> Path:
    if path is None or not str(path).strip():
        raise UserError(f"{owner} needs {override}={placeholder}; received none: add it")
    found = Path(path).expanduser()
    if not found.exists():
        raise UserError(f"{override} must exist; received {found}, found nothing there: try {override}={placeholder}")
    return found
