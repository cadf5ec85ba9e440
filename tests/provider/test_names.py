"""Names: resolved under the deadline, without a thread, and not for each connection."""

from __future__ import annotations

import errno
import socket
import threading
from pathlib import Path

import pytest

from verify_service.domain.calls import Failed, Placed
from verify_service.transport import resolver

from .harness import SOON, place, provider_at, success
from .names import NAME, NameServer
from .server import PATIENCE, Server
from .test_deadline import assert_refunded, placed_in_time

CLOSED = success("Connection: close")


def test_a_hung_name_server_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start is refunded, and nothing is left that could send it later."""
    with Server(success()) as server, NameServer().install(monkeypatch) as names:
        names.addresses = None
        before = threading.active_count()
        provider = provider_at(f"http://{NAME}:{server.port}", deadline=SOON)
        assert_refunded(placed_in_time(provider))
        assert threading.active_count() == before
        assert names.asked
    assert server.connections == 0


def test_a_lost_datagram_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second without an answer is not the end."""
    with Server(success()) as server, NameServer("127.0.0.1").install(monkeypatch) as names:
        found, names.addresses = names.addresses, None
        timer = threading.Timer(0.5, lambda: setattr(names, "addresses", found))
        timer.start()
        assert isinstance(place(provider_at(f"http://{NAME}:{server.port}")), Placed)
        timer.join()
    assert names.asked["AAAA"] == 2


def test_silence_about_one_kind_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some name servers never answer for IPv6. The other half of the time is left for IPv4."""
    with Server(success()) as server, NameServer("127.0.0.1").install(monkeypatch) as names:
        names.silent = {"AAAA"}
        provider = provider_at(f"http://{NAME}:{server.port}", deadline=PATIENCE / 2)
        assert isinstance(place(provider), Placed)


def test_an_address_is_kept_and_no_thread_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five connections ask once. ``getaddrinfo``, which needs a thread, is not called."""
    monkeypatch.setattr(socket, "getaddrinfo", None)
    with Server(CLOSED) as server, NameServer("127.0.0.1").install(monkeypatch) as names:
        provider = provider_at(f"http://{NAME}:{server.port}")
        for _ in range(5):
            assert isinstance(place(provider), Placed)
    assert names.asked == {"AAAA": 1, "A": 1}
    assert server.connections == 5


@pytest.mark.parametrize(("ttl", "max_age"), [(0, 60.0), (300, 0.0)], ids=["ttl", "max-age"])
def test_an_address_expires(ttl: int, max_age: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the TTL nor our own limit is exceeded."""
    monkeypatch.setattr(resolver, "MAX_AGE_SECONDS", max_age)
    with Server(CLOSED) as server, NameServer("127.0.0.1", ttl=ttl).install(monkeypatch) as names:
        provider = provider_at(f"http://{NAME}:{server.port}")
        for _ in range(3):
            assert isinstance(place(provider), Placed)
    assert names.asked["A"] == 3


def test_an_address_that_refuses_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server moved: after one refused connection the name is resolved again."""
    with Server(CLOSED) as server, NameServer("127.0.0.2").install(monkeypatch) as names:
        provider = provider_at(f"http://{NAME}:{server.port}")
        assert_refunded(place(provider))
        names.addresses = ("127.0.0.1",)
        assert isinstance(place(provider), Placed)


def test_a_failure_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that did not exist a moment ago may exist now."""
    with Server(CLOSED) as server, NameServer().install(monkeypatch) as names:
        provider = provider_at(f"http://{NAME}:{server.port}")
        assert_refunded(place(provider))
        names.addresses = ("127.0.0.1",)
        assert isinstance(place(provider), Placed)


def test_an_address_that_refuses_leads_to_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a connection that never opened is tried again, at the name's next address."""
    addresses = ("::1", "127.0.0.2", "127.0.0.1")
    with Server(success()) as server, NameServer(*addresses).install(monkeypatch):
        assert isinstance(place(provider_at(f"http://{NAME}:{server.port}")), Placed)
    assert len(server.requests) == 1


def test_a_system_without_ipv6_uses_the_next_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kernel refuses to make such a socket."""

    class WithoutIpv6(socket.socket):
        def __init__(self, family: int = -1, *args: int, **kwargs: int) -> None:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *args, **kwargs)

    addresses = ("::1", "127.0.0.1")
    with Server(success()) as server, NameServer(*addresses).install(monkeypatch):
        monkeypatch.setattr(socket, "socket", WithoutIpv6)
        assert isinstance(place(provider_at(f"http://{NAME}:{server.port}")), Placed)


def test_the_hosts_file_has_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its names may have any case, and its lines comments."""
    hosts = tmp_path / "hosts"
    hosts.write_text(f"# {NAME}\n127.0.0.1\tother Provider.Test # a comment\n\n")
    monkeypatch.setattr(resolver, "HOSTS_FILE", hosts)
    with Server(success()) as server, NameServer().install(monkeypatch) as names:
        assert isinstance(place(provider_at(f"http://{NAME}:{server.port}")), Placed)
    assert not names.asked


@pytest.mark.parametrize("url", [f"http://no.{NAME}", "http://" + "a" * 64 + ".invalid"])
def test_a_name_that_does_not_resolve_refunds_the_start(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No address, or an impossible name: nothing was sent."""
    with NameServer().install(monkeypatch):
        outcome = place(provider_at(url))
    assert isinstance(outcome, Failed)
    assert outcome.refund
