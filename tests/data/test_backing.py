import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from lit_tricks.data import backing, files
from lit_tricks.data.backing import assemble
from lit_tricks.errors import UserError

ROWS = np.random.default_rng(0).integers(0, 256, (10, 3, 2), dtype=np.uint8)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def pieces() -> Iterator[np.ndarray]:
    yield ROWS[:1]
    yield ROWS[1:7]
    yield ROWS.transpose(0, 2, 1).copy().transpose(0, 2, 1)[7:]


def on_disk(monkeypatch: pytest.MonkeyPatch, folder: Path, **limits: int) -> None:
    monkeypatch.setattr(files, "available_bytes", lambda: limits.get("memory", 119))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(0, 0, limits.get("disk", 60)))
    monkeypatch.setattr(backing.tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))


def test_what_takes_half_of_the_memory_stays_in_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    on_disk(monkeypatch, tmp_path, memory=120, disk=0)
    array = assemble(pieces(), ROWS.shape, "rows", "shrink them")
    assert not isinstance(array, np.memmap)
    np.testing.assert_array_equal(array, ROWS)


def test_more_goes_to_a_file_without_a_name_and_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lit_tricks")
    on_disk(monkeypatch, tmp_path)
    array = assemble(pieces(), ROWS.shape, "rows", "shrink them")
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable
    assert not list(tmp_path.iterdir())
    np.testing.assert_array_equal(array, ROWS)
    assert f"rows: 6e-08 GB are kept in a temporary file in {tmp_path}, not in memory" in caplog.text


def test_a_disk_that_is_too_small_is_a_mistake_to_mend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    on_disk(monkeypatch, tmp_path, disk=59)
    message = r"as much room on disk; rows need 6e-08 GB in .*: shrink them, or set TMPDIR=FOLDER"
    with pytest.raises(UserError, match=message):
        assemble(pieces(), ROWS.shape, "rows", "shrink them")

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    on_disk(monkeypatch, tmp_path)
    monkeypatch.setattr(backing.tempfile, "TemporaryFile", full)
    with pytest.raises(UserError, match=message):
        assemble(pieces(), ROWS.shape, "rows", "shrink them")


CRASH = """
import os, signal, sys
import numpy as np
from lit_tricks.data import files
from lit_tricks.data.backing import assemble

files.available_bytes = lambda: 1
array = assemble([np.full((1000, 50), 7, np.uint8)], (1000, 50), "rows", "shrink them")
print(type(array).__name__, int(array.sum()), os.listdir(sys.argv[1]), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="files lose their names at once under POSIX alone")
def test_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", CRASH, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["memmap", "350000", "[]"]
    assert not list(tmp_path.iterdir())


def test_available_memory_is_what_linux_and_the_container_say(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"/proc/meminfo": "MemTotal: 9 kB\nMemAvailable:   5 kB\n"}

    def read(path: Path, *_: Any, **__: Any) -> str:
        if str(path) not in texts:
            raise FileNotFoundError(path)
        return texts[str(path)]

    monkeypatch.setattr(Path, "read_text", read)
    assert files.available_bytes() == 5 * 1024
    texts |= {"/sys/fs/cgroup/memory.max": "3000\n", "/sys/fs/cgroup/memory.current": "1000\n"}
    assert files.available_bytes() == 2000
    texts["/sys/fs/cgroup/memory.max"] = "max\n"
    assert files.available_bytes() == 5 * 1024
    del texts["/proc/meminfo"]
    monkeypatch.setattr(files.os, "sysconf", {"SC_PHYS_PAGES": 7, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert files.available_bytes() == 7 * 4096
    monkeypatch.delattr(files.os, "sysconf")
    assert files.available_bytes() == files.MAX_BYTES
