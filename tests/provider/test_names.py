"""Names: resolved under the deadline, without a thread, and not for each connection."""

from __future__ import annotations

import errno
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from verify_service.domain.calls import Failed, Placed
from verify_service.transport import name_servers, resolver
from verify_service.transport.route import Route, connection_problem

from .harness import SOON, place, provider_at, success
from .names import NAME, NameServer, install
from .server import PATIENCE, Server
from .test_deadline import assert_refunded, placed_in_time

pytestmark = pytest.mark.slow
"""Together they wait for seconds."""

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
    assert names.asked["A"] == 2


def test_retries_end_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's pauses between them would exceed it."""
    with NameServer().install(monkeypatch) as names:
        names.addresses = None
        began = time.monotonic()
        assert_refunded(place(provider_at(f"http://{NAME}", deadline=3.2)))
        assert 3.2 <= time.monotonic() - began < 4
    assert names.asked["A"] >= 4


def test_every_name_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first two are silent."""
    monkeypatch.setattr(name_servers, "TRY_SECONDS", SOON)
    with (
        Server(success()) as server,
        NameServer() as first,
        NameServer() as second,
        NameServer("127.0.0.1") as third,
    ):
        install(monkeypatch, first, second, third)
        first.addresses = second.addresses = None
        assert isinstance(place(provider_at(f"http://{NAME}:{server.port}")), Placed)
    assert first.asked["A"] == second.asked["A"] == third.asked["A"] == 1


def test_silence_about_one_kind_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some name servers never answer for IPv6: they are asked twice."""
    with Server(success()) as server, NameServer("127.0.0.1").install(monkeypatch) as names:
        names.silent = {"AAAA"}
        provider = provider_at(f"http://{NAME}:{server.port}", deadline=10 * PATIENCE)
        began = time.monotonic()
        assert isinstance(place(provider), Placed)
        assert time.monotonic() - began < PATIENCE
    assert names.asked["A"] == 1


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


def test_callers_share_one_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with a TTL of 0, where its result serves only those who waited for it."""
    with Server(CLOSED) as server, NameServer("127.0.0.1", ttl=0).install(monkeypatch) as names:
        names.delay = SOON
        provider = provider_at(f"http://{NAME}:{server.port}", max_in_flight=8)
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(lambda _: place(provider), range(8)))
    assert {type(outcome) for outcome in outcomes} == {Placed}
    assert names.asked == {"A": 1, "AAAA": 1}


@pytest.mark.parametrize("failure", ["silent", "failing"])
@pytest.mark.parametrize("stale_seconds", [resolver.STALE_SECONDS, 0.0])
def test_an_expired_address_is_used_while_no_name_server_answers(
    stale_seconds: float, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are asked again after half a minute (RFC 8767)."""
    monkeypatch.setattr(name_servers, "TRY_SECONDS", SOON)
    monkeypatch.setattr(resolver, "STALE_SECONDS", stale_seconds)
    with Server(CLOSED) as server, NameServer("127.0.0.1", ttl=0).install(monkeypatch) as names:
        provider = provider_at(f"http://{NAME}:{server.port}")
        assert isinstance(place(provider), Placed)
        names.addresses, names.fails = None if failure == "silent" else (), failure == "failing"
        assert isinstance(place(provider), Placed)
        names.addresses, names.fails = ("127.0.0.2",), False
        assert isinstance(place(provider), Placed if stale_seconds else Failed)


def test_an_address_that_refused_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even while no name server answers."""
    route = Route(f"http://{NAME}:{free_port()}", PATIENCE)
    with NameServer("127.0.0.1").install(monkeypatch) as names:
        sentence = connection_problem(route, PATIENCE)
        assert sentence == f"{NAME} cannot be reached: Connection refused."
        names.fails = True
        sentence = connection_problem(route, PATIENCE)
        assert sentence == f"A name server for {NAME} cannot be reached: it gives no answer."


def test_a_name_that_is_gone_is_not_called_at_its_old_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That there is no address is an answer."""
    with Server(CLOSED) as server, NameServer("127.0.0.1", ttl=0).install(monkeypatch) as names:
        provider = provider_at(f"http://{NAME}:{server.port}")
        assert isinstance(place(provider), Placed)
        names.addresses = ()
        assert_refunded(place(provider))


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


def test_families_take_turns_and_the_last_good_address_is_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A broken IPv6 delays one connection, and not each by each of its addresses."""
    tried: list[str] = []

    class Recorded(socket.socket):
        def connect(self, address: Any) -> None:
            tried.append(address[0])
            super().connect(address)

    addresses = ("2001:db8::1", "2001:db8::2", "127.0.0.1")
    with Server(CLOSED) as server, NameServer(*addresses).install(monkeypatch):
        provider = provider_at(f"http://{NAME}:{server.port}", connect_timeout=SOON)
        with monkeypatch.context() as patch:
            patch.setattr(socket, "socket", Recorded)
            assert isinstance(place(provider), Placed)
            assert tried[0] in addresses[:2]
            assert tried[1:] == ["127.0.0.1"]
            tried.clear()
            assert isinstance(place(provider), Placed)
            assert tried == ["127.0.0.1"]


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


@pytest.mark.parametrize("written", ["Provider.Test", "provider.test."])
@pytest.mark.parametrize("dot", ["", "."])
def test_the_hosts_file_has_precedence(
    dot: str, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its names may have any case, and its lines comments. The dot of an absolute name counts
    for nothing."""
    hosts = tmp_path / "hosts"
    hosts.write_text(f"# {NAME}\n127.0.0.1\tother {written} # a comment\n\n")
    monkeypatch.setattr(resolver, "HOSTS_FILE", hosts)
    with Server(success()) as server, NameServer().install(monkeypatch) as names:
        assert isinstance(place(provider_at(f"http://{NAME}{dot}:{server.port}")), Placed)
    assert not names.asked
    assert server.requests[0].values("Host") == [f"{NAME}:{server.port}"]


@pytest.mark.parametrize("url", [f"http://no.{NAME}", "http://" + "a" * 64 + ".invalid"])
def test_a_name_that_does_not_resolve_refunds_the_start(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No address, or an impossible name: nothing was sent."""
    with NameServer().install(monkeypatch):
        outcome = place(provider_at(url))
    assert isinstance(outcome, Failed)
    assert outcome.refund
