import errno
import os
import stat
from pathlib import Path

import pytest

from lit_tricks.files import write_atomically


@pytest.mark.parametrize("content", ["naïve\r\nline\n", b"\x00\xff\r\n", "", b""])
@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("sync", [True, False])
def test_content_arrives_byte_for_byte_and_alone(
    tmp_path: Path, content: str | bytes, replace: bool, sync: bool
) -> None:
    write_atomically(tmp_path / "a", content, replace=replace, sync=sync)
    assert (tmp_path / "a").read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o000, 0o644)])
@pytest.mark.parametrize("replace", [True, False])
def test_the_mode_is_that_of_an_ordinary_file(tmp_path: Path, umask: int, mode: int, replace: bool) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "a", "x", replace=replace)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def test_a_file_is_replaced_only_on_request(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", "old")
    with pytest.raises(FileExistsError, match="File exists"):
        write_atomically(tmp_path / "a", "new", replace=False)
    assert (tmp_path / "a").read_text() == "old"
    write_atomically(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new"
    assert os.listdir(tmp_path) == ["a"]


def test_without_hard_links_a_file_is_still_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    write_atomically(tmp_path / "a", "first", replace=False)
    assert (tmp_path / "a").read_text() == "first"
    with pytest.raises(FileExistsError, match="File exists"):
        write_atomically(tmp_path / "a", "second", replace=False)
    assert (tmp_path / "a").read_text() == "first"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_atomically(tmp_path / "a", "old")
    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_content_is_synced_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, n=name, o=original: (calls.append(n), o(*args))[1])
    write_atomically(tmp_path / "a", "x")
    write_atomically(tmp_path / "b", "x", sync=False)
    assert calls == ["fsync", "replace", "replace"]
