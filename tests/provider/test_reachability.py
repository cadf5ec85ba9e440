"""The check before a release: a connection to the provider opens, or a sentence names the cause."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from dns.resolver import NoResolverConfiguration, Resolver

from tests.ports import free_port
from tests.provider.certificates import Authority
from tests.waiting import wait_until
from verify_service.transport.route import Route, connection_problem

from .harness import assert_silent
from .names import NAME, NameServer
from .proxy import Proxy, with_user
from .server import Server, Step, hang, hang_up, reply, send


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


def problem(url: str, seconds: float = 2, **options: str) -> str | None:
    sentence = connection_problem(Route(url, seconds, **options), 10)
    assert_silent(sentence)
    return sentence


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


def test_a_reachable_provider_passes(door: Door) -> None:
    """Nothing is sent."""
    assert problem(f"http://127.0.0.1:{door.port}/api") is None
    assert wait_until(lambda: door.heard) == [b""]


@pytest.mark.slow
def test_a_reachable_provider_over_tls_passes(authority: Authority) -> None:
    """The certificate must be one that calls would trust."""
    door = Door(authority.server(days=2))
    url = f"https://127.0.0.1:{door.port}/api"
    try:
        sentence = problem(url) or ""
        assert sentence.startswith("127.0.0.1 cannot be reached: its certificate is not trusted (")
        assert problem(url, ca_file=str(authority.certificate)) is None
        assert set(wait_until(lambda: door.heard)) == {b""}
    finally:
        door.close()


def test_a_provider_without_tls_is_reported(door: Door) -> None:
    sentence = problem(f"https://127.0.0.1:{door.port}/api")
    assert sentence == "127.0.0.1 cannot be reached: the TLS handshake fails."


def test_a_refused_connection_is_reported() -> None:
    sentence = problem(f"http://127.0.0.1:{free_port()}/api")
    assert sentence == "127.0.0.1 cannot be reached: Connection refused."


def test_an_unknown_name_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with NameServer().install(monkeypatch):
        sentence = problem(f"https://no.{NAME}/api")
    assert sentence == f"no.{NAME} cannot be reached: its name is not known."


@pytest.mark.parametrize("proxied", [False, True])
def test_a_name_server_that_fails_is_reported(
    *, proxied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider, or the proxy, is not to blame."""
    options = {"proxy": f"http://{NAME}:9"} if proxied else {}
    url = "https://127.0.0.1/api" if proxied else f"https://{NAME}/api"
    words = f"A name server for {NAME} cannot be reached"
    with NameServer().install(monkeypatch) as names:
        names.fails = True
        assert problem(url, **options) == f"{words}: it gives no answer."
        names.addresses, names.fails = None, False
        route = Route(url, 2, **options)
        assert connection_problem(route, 0.2) == f"{words}: it does not answer in time."


def test_a_machine_without_name_servers_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise NoResolverConfiguration

    monkeypatch.setattr(Resolver, "read_resolv_conf", missing)
    sentence = problem(f"https://{NAME}/api")
    assert sentence == f"A name server for {NAME} cannot be reached: /etc/resolv.conf names none."


@pytest.mark.parametrize("proxied", [False, True])
def test_a_silent_provider_is_reported(*, proxied: bool, trusted_tls: ssl.SSLContext) -> None:
    """Its listener accepts connections, and no one shakes hands."""
    options, words = {}, "127.0.0.1"
    with Proxy() as proxy, socket.create_server(("127.0.0.1", 0)) as silent:
        if proxied:
            options, words = {"proxy": proxy.address}, "127.0.0.1, through the proxy,"
        sentence = problem(f"https://127.0.0.1:{silent.getsockname()[1]}/api", 0.2, **options)
    assert sentence == f"{words} cannot be reached: it does not answer in time."


def test_a_provider_behind_a_proxy_passes(trusted_tls: ssl.SSLContext) -> None:
    """A connection through the proxy is the one that a call would use."""
    with Server(reads=False, tls=trusted_tls) as server, Proxy() as proxy:
        assert problem(server.url, proxy=proxy.address) is None
    assert len(proxy.heads) == server.connections == 1


@pytest.mark.parametrize(
    ("step", "cause"),
    [
        (send(reply(407)), "the proxy answers CONNECT with HTTP 407"),
        (send(reply(403)), "the proxy answers CONNECT with HTTP 403"),
        (send(b"garbage\r\n"), "the connection breaks"),
        (hang, "it does not answer in time"),
    ],
    ids=["407", "403", "garbage", "silence"],
)
def test_a_proxy_that_does_not_connect_is_reported(step: Step, cause: str) -> None:
    """The provider is not to blame, and the proxy's password is not shown."""
    with Proxy(step, hang_up) as proxy:
        sentence = problem(f"https://{NAME}/api", 0.5, proxy=proxy.address)
    assert sentence == f"{NAME}, through the proxy, cannot be reached: {cause}."


def test_a_proxy_that_is_gone_is_reported() -> None:
    sentence = problem(f"https://{NAME}/api", proxy=with_user(f"http://127.0.0.1:{free_port()}"))
    assert sentence == "The proxy 127.0.0.1 cannot be reached: Connection refused."
