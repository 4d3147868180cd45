import os
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lit_tricks.data.download import DownloadError, Mirrors
from lit_tricks.errors import UserError

CONTENT = bytes(range(256)) * 1024


@pytest.fixture
def silent_address() -> Iterator[str]:
    """Accepts connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def must_be_content(path: Path) -> None:
    if path.read_bytes() != CONTENT:
        raise UserError("altered")


def fetch(mirrors: Mirrors, folder: Path) -> None:
    mirrors.fetch("file.gz", folder, must_be_content, max_bytes=len(CONTENT))


def test_file_arrives_in_a_new_folder_with_the_usual_permissions(serve, tmp_path, capsys):
    mirror = serve({"file.gz": CONTENT})
    folder = tmp_path / "new" / "folder"
    fetch(Mirrors([mirror.address + "/"]), folder)
    (tmp_path / "other").touch()
    assert [path.name for path in folder.iterdir()] == ["file.gz"]
    assert (folder / "file.gz").read_bytes() == CONTENT
    assert stat.S_IMODE((folder / "file.gz").stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)
    assert mirror.requests == [("HEAD", "/base/file.gz"), ("GET", "/base/file.gz")]
    assert "file.gz: 100%" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "cut", "reason"),
    [
        ({}, False, "HTTP 404"),
        ({"file.gz": CONTENT[:-1] + b"\0"}, False, "served altered content"),
        ({"file.gz": b""}, False, "served altered content"),
        ({"file.gz": CONTENT}, True, "ChunkedEncodingError"),
    ],
    ids=["absent", "altered", "empty", "cut off"],
)
def test_next_mirror_serves_what_the_first_does_not(serve, tmp_path, files, cut, reason):
    bad, good = serve(files, cut=cut), serve({"file.gz": CONTENT})
    mirrors = Mirrors([bad.address, good.address])
    fetch(mirrors, tmp_path)
    assert (tmp_path / "file.gz").read_bytes() == CONTENT
    assert os.listdir(tmp_path) == ["file.gz"]
    assert mirrors.failures == {bad.address: reason}


def test_second_mirror_is_left_alone_when_the_first_serves(serve, tmp_path):
    first, second = serve({"file.gz": CONTENT}), serve({"file.gz": CONTENT})
    fetch(Mirrors([first.address, second.address]), tmp_path)
    assert second.requests == []


def test_failure_of_all_leaves_nothing_and_gives_each_reason(serve, tmp_path, closed_mirrors, silent_address):
    absent, altered = serve({}), serve({"file.gz": b"<html>"})
    mirrors = Mirrors([absent.address, altered.address, closed_mirrors[0], silent_address], answer_seconds=0.2)
    with pytest.raises(DownloadError, match=r"file\.gz"):
        fetch(mirrors, tmp_path)
    assert mirrors.failures == {
        absent.address: "HTTP 404",
        altered.address: "served altered content",
        closed_mirrors[0]: "ConnectionError",
        silent_address: mirrors.failures[silent_address],
    }
    # The thread's own timeout and the wait for the thread end together: either may be first.
    assert mirrors.failures[silent_address] in ("no answer in 0.2 s", "ReadTimeout")
    assert os.listdir(tmp_path) == []


def test_hanging_name_resolution_is_left_behind(tmp_path, monkeypatch):
    released, resolved = threading.Event(), threading.Event()

    def hang(*args: object, **kwargs: object) -> None:
        released.wait(timeout=20)
        resolved.set()
        raise OSError("no such host")

    monkeypatch.setenv("no_proxy", "mirror.invalid")
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    mirrors = Mirrors(["http://mirror.invalid"], answer_seconds=0.2)
    with pytest.raises(DownloadError, match=r"file\.gz"):
        fetch(mirrors, tmp_path)
    assert mirrors.failures == {"http://mirror.invalid": "no answer in 0.2 s"}
    assert not resolved.is_set()
    released.set()
    assert resolved.wait(timeout=20)


def test_no_folder_is_made_when_no_mirror_answers(tmp_path, closed_mirrors):
    with pytest.raises(DownloadError, match=r"file\.gz"):
        fetch(Mirrors(closed_mirrors[:1]), tmp_path / "new")
    assert os.listdir(tmp_path) == []


def test_mirror_without_answer_is_asked_once_only(tmp_path, monkeypatch, closed_mirrors):
    asked = []
    monkeypatch.setattr("lit_tricks.data.download._probe", lambda url, seconds: asked.append(url) or "silence")
    mirrors = Mirrors(closed_mirrors[:1])
    for name in ("a", "b"):
        with pytest.raises(DownloadError, match=name):
            mirrors.fetch(name, tmp_path, must_be_content, max_bytes=1)
    assert asked == [f"{closed_mirrors[0]}/a"]


def test_download_stops_at_the_limit(serve, tmp_path):
    mirrors = Mirrors([serve({"file.gz": CONTENT}).address])
    verified = []
    mirrors.fetch("file.gz", tmp_path, verified.append, max_bytes=len(CONTENT))
    with pytest.raises(DownloadError, match=r"file\.gz"):
        mirrors.fetch("file.gz", tmp_path, verified.append, max_bytes=len(CONTENT) - 1)
    assert len(verified) == 1, "what is too long is dropped before anything reads it"
    assert list(mirrors.failures.values()) == ["served altered content"]


def test_existing_file_stays_when_the_download_fails(serve, tmp_path):
    (tmp_path / "file.gz").write_bytes(b"before")
    with pytest.raises(DownloadError, match=r"file\.gz"):
        fetch(Mirrors([serve({"file.gz": b"<html>"}).address]), tmp_path)
    assert (tmp_path / "file.gz").read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["file.gz"]


def test_interruption_leaves_no_part_behind(serve, tmp_path):
    def interrupt(path: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Mirrors([serve({"file.gz": CONTENT}).address]).fetch("file.gz", tmp_path, interrupt, len(CONTENT))
    assert os.listdir(tmp_path) == []


def test_folder_that_cannot_be_written_is_named(serve, tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(UserError, match=r"taken/mnist must be a writable folder .*try data_dir=FOLDER"):
        fetch(Mirrors([serve({"file.gz": CONTENT}).address]), tmp_path / "taken" / "mnist")


def test_downloads_at_the_same_time_do_not_disturb_each_other(serve, tmp_path):
    together = threading.Barrier(2, timeout=20)
    mirror = serve({"file.gz": CONTENT}, pause=together.wait)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(fetch, Mirrors([mirror.address]), tmp_path) for _ in range(2)]:
            done.result()
    assert os.listdir(tmp_path) == ["file.gz"]
    assert (tmp_path / "file.gz").read_bytes() == CONTENT
