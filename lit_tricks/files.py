"""Files that are either whole or not there, and locks between processes."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lit_tricks.errors import UserError


def write_atomically(path: Path, content: str | bytes, replace: bool = True, sync: bool = True) -> None:
    """Write ``content``, text as UTF-8, so that ``path`` holds either its old content or all of the new one.

    Its mode is 0644 less the umask; what was there before does not decide it.

    Args:
        path: the file, in a folder that exists.
        content: text goes out as it is, without a change of line ends.
        replace: False refuses to take the place of anything, also of a file that appears meanwhile.
        sync: False leaves it to the system when the content reaches the disk; it then survives the end of the
            process, though not that of the machine.

    Raises:
        FileExistsError: when ``replace`` is False and ``path`` exists.
        OSError: when the folder cannot be written; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if replace:
            os.replace(temporary, path)
        else:
            _place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock at ``path`` in the block; raises ``UserError`` with ``busy`` while another process holds it.

    It is the operating system's (``flock``) and ends with the process, however that ends.
    """
    with open(path, "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(busy) from error
        yield


def _place(temporary: Path, path: Path) -> None:
    """Give ``temporary`` the name ``path``, which must be free."""
    try:
        # a link fails where a rename would replace
        os.link(temporary, path)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError, AttributeError):
        # a file system without hard links: the empty file takes the name before the content comes
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        os.replace(temporary, path)
