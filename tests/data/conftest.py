"""Fixtures that several tests of the data share."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class FakeMirror:
    """A server on this machine; ``requests`` lists what it was asked, as method and path."""

    address: str
    requests: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FakeMirror]]:
    """Return a function that serves ``files`` by name; ``cut`` closes after half a body, ``pause`` runs before it."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ExitStack() as stack:

        def start(
            files: Mapping[str, bytes], *, cut: bool = False, pause: Callable[[], object] | None = None
        ) -> FakeMirror:
            class Handler(BaseHTTPRequestHandler):
                def do_HEAD(self) -> None:
                    self.answer(body=False)

                def do_GET(self) -> None:
                    self.answer(body=True)

                def answer(self, body: bool) -> None:
                    mirror.requests.append((self.command, self.path))
                    content = files.get(self.path.rsplit("/", 1)[-1])
                    if content is None:
                        self.send_error(404)
                        return
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    if body:
                        if pause is not None:
                            pause()
                        self.wfile.write(content[: len(content) // 2] if cut else content)

                def log_message(self, format: str, *args: object) -> None:
                    """Keep the test's output readable."""

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            mirror = FakeMirror(f"http://127.0.0.1:{server.server_port}/base")
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return mirror

        yield start


@pytest.fixture
def closed_mirrors(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return two addresses on this machine where nothing listens, and keep any proxy out of the way."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    addresses = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            addresses.append(f"http://127.0.0.1:{probe.getsockname()[1]}/base")
    return addresses
