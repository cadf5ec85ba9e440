"""Before a release: can the provider be reached? Nothing is sent to find out."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.provider.certificates import Authority
from tests.waiting import wait_until
from verify_service.domain.check_result import Severity
from verify_service.transport.reachability import reach


class Door:
    """Accepts connections, and hears what is said."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.heard: list[bytes] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with suppress(OSError), client, self._wrapped(client) as door:
                    self.heard.append(_hear(door))

    def _wrapped(self, client: socket.socket) -> socket.socket:
        return self._context.wrap_socket(client, server_side=True) if self._context else client

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def _hear(door: socket.socket) -> bytes:
    try:
        return door.recv(1000)
    except OSError:  # hung up without the last words of TLS
        return b""


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


def test_a_provider_that_is_there(door: Door) -> None:
    result = reach(f"http://127.0.0.1:{door.port}/api", 1)
    assert result.severity is Severity.GOOD
    assert "No call was placed" in result.sentence
    assert wait_until(lambda: door.heard) == [b""]


def test_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the trust that calls have: a certificate of nobody's is said to be one."""
    authority = Authority(tmp_path).found()
    door = Door(authority.server(days=2))
    url = f"https://127.0.0.1:{door.port}/api"
    try:
        refused = reach(url, 2)
        assert refused.severity is Severity.WARNING
        assert "its certificate is not trusted" in refused.sentence
        monkeypatch.setattr("certifi.where", lambda: str(authority.certificate))
        assert reach(url, 2).severity is Severity.GOOD
        assert set(wait_until(lambda: door.heard)) == {b""}
    finally:
        door.close()


def test_a_provider_without_tls(door: Door) -> None:
    found = reach(f"https://127.0.0.1:{door.port}/api", 2)
    assert (found.severity, "TLS" in found.sentence) == (Severity.WARNING, True)


def test_nobody_there() -> None:
    """A warning: to hold back a release would not help."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = reach(f"http://127.0.0.1:{port}/api", 1)
    assert (found.severity, "refused" in found.sentence) == (Severity.WARNING, True)


def test_a_name_that_nobody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "its name is not known" in reach("https://provider.example/api", 1).sentence


def test_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    assert "does not answer in time" in reach("https://provider.example/api", 1).sentence
