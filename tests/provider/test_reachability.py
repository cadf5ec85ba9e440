"""The check before a release: a connection to the provider opens, or a sentence names the cause."""

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
from verify_service.transport.reachability import connection_problem


class Door:
    """Accepts connections, and records what it receives."""

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
    except OSError:  # closed without the last message of TLS
        return b""


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


def test_a_reachable_provider_passes(door: Door) -> None:
    """Nothing is sent."""
    assert connection_problem(f"http://127.0.0.1:{door.port}/api", 1) is None
    assert wait_until(lambda: door.heard) == [b""]


@pytest.mark.slow
def test_a_reachable_provider_over_tls_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate must be one that calls would trust."""
    authority = Authority(tmp_path).found()
    door = Door(authority.server(days=2))
    url = f"https://127.0.0.1:{door.port}/api"
    try:
        sentence = connection_problem(url, 2) or ""
        assert sentence.startswith("127.0.0.1 cannot be reached: its certificate is not trusted (")
        monkeypatch.setattr("certifi.where", lambda: str(authority.certificate))
        assert connection_problem(url, 2) is None
        assert set(wait_until(lambda: door.heard)) == {b""}
    finally:
        door.close()


def test_a_provider_without_tls_is_reported(door: Door) -> None:
    sentence = connection_problem(f"https://127.0.0.1:{door.port}/api", 2)
    assert sentence == "127.0.0.1 cannot be reached: the TLS handshake fails."


def test_a_refused_connection_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    sentence = connection_problem(f"http://127.0.0.1:{port}/api", 1)
    assert sentence == "127.0.0.1 cannot be reached: Connection refused."


def test_an_unknown_name_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    sentence = connection_problem("https://provider.example/api", 1)
    assert sentence == "provider.example cannot be reached: its name is not known."


def test_a_silent_provider_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    sentence = connection_problem("https://provider.example/api", 1)
    assert sentence == "provider.example cannot be reached: it does not answer in time."
