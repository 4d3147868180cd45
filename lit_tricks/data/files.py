"""Checks that every reader of users' own files makes before it trusts a path or a size."""

import os
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


def available_bytes() -> int:
    """Return the memory that can be had without pushing anything out, as Linux estimates it and its container allows.

    Elsewhere it is all that is installed, or ``MAX_BYTES`` where that is not known either.
    """
    try:
        estimate = (
            int(Path("/proc/meminfo").read_text(encoding="ascii").partition("MemAvailable:")[2].split()[0]) * 1024
        )
    except (OSError, IndexError):
        sizes = [os.sysconf(name) if hasattr(os, "sysconf") else -1 for name in ("SC_PHYS_PAGES", "SC_PAGE_SIZE")]
        return sizes[0] * sizes[1] if min(sizes) > 0 else MAX_BYTES
    try:
        limit, used = (int(Path(f"/sys/fs/cgroup/memory.{name}").read_text()) for name in ("max", "current"))
    except (OSError, ValueError):
        return estimate
    return max(0, min(estimate, limit - used))


def _require(path: str | Path | None, override: str, owner: str, placeholder: str) -> Path:
    if path is None or not str(path).strip():
        raise UserError(f"{owner} needs {override}={placeholder}; received none: add it")
    found = Path(path).expanduser()
    if not found.exists():
        raise UserError(f"{override} must exist; received {found}, found nothing there: try {override}={placeholder}")
    return found
