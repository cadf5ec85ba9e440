"""PROVIDER_PROXY: every call goes through it, and it is not the provider."""

from __future__ import annotations

import socket
import ssl
from base64 import b64encode
from typing import Any

import pytest

from verify_service.domain.calls import CallOutcome, Failed, Placed, Unknown

from .harness import SOON, answer, place, provider_at, success
from .names import NAME, NameServer
from .proxy import BASIC, Proxy, with_user
from .server import PATIENCE, Server, Step, drip, flood, hang, hang_up, reply, reset, send
from .test_deadline import assert_refunded, placed_in_time

pytestmark = pytest.mark.slow
"""Together they wait for seconds."""

PATH = "/api/apps/flash/calls/flash"
TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"


def through(proxy: Server, url: str, **options: Any) -> CallOutcome:
    """Place one call through a proxy."""
    address = proxy.address if isinstance(proxy, Proxy) else proxy.url
    return place(provider_at(url, proxy=address, **options))


def test_a_tunnel_carries_the_request(trusted_tls: ssl.SSLContext) -> None:
    """The proxy gets CONNECT and its own credentials, the provider the request as ever."""
    with Server(success(), tls=trusted_tls) as server, Proxy() as proxy:
        assert isinstance(through(proxy, server.url), Placed)
    authority = f"127.0.0.1:{server.port}"
    credentials = f"Proxy-Authorization: Basic {BASIC}"
    assert proxy.heads == [[f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", credentials]]
    request = server.requests[0]
    assert (request.target, request.values("Host")) == (PATH, [authority])
    assert request.values("Proxy-Authorization") == []


def test_a_tunnel_is_kept(trusted_tls: ssl.SSLContext) -> None:
    """Three calls, one CONNECT."""
    with Server(success(), keep_alive=True, tls=trusted_tls) as server, Proxy() as proxy:
        provider = provider_at(server.url, proxy=proxy.address)
        for _ in range(3):
            assert isinstance(place(provider), Placed)
        del provider
    assert (len(proxy.heads), len(server.requests)) == (1, 3)


def test_a_proxy_can_be_reached_over_tls(trusted_tls: ssl.SSLContext) -> None:
    """The tunnel's own TLS is inside that of the proxy."""
    with Server(success(), tls=trusted_tls) as server, Proxy(tls=trusted_tls) as proxy:
        assert isinstance(through(proxy, server.url), Placed)
    assert len(server.requests) == 1


def test_a_proxy_without_a_user_gets_no_credentials(trusted_tls: ssl.SSLContext) -> None:
    with Server(success(), tls=trusted_tls) as server, Proxy() as proxy:
        assert isinstance(place(provider_at(server.url, proxy=proxy.url)), Placed)
    assert len(proxy.heads[0]) == 2


def test_a_token_can_be_the_user(trusted_tls: ssl.SSLContext) -> None:
    """Without a password; in UTF-8."""
    with Server(success(), tls=trusted_tls) as server, Proxy() as proxy:
        address = proxy.url.replace("://", "://%D0%BA@")
        assert isinstance(place(provider_at(server.url, proxy=address)), Placed)
    assert proxy.heads[0][2] == f"Proxy-Authorization: Basic {b64encode('к:'.encode()).decode()}"


def test_the_proxy_resolves_the_providers_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy there may be no name server that knows it."""
    with NameServer().install(monkeypatch) as names, Proxy(send(reply(502)), hang_up) as proxy:
        assert_refunded(through(proxy, f"https://{NAME}"))
    assert proxy.heads[0][0] == f"CONNECT {NAME}:443 HTTP/1.1"
    assert not names.asked


REFUSALS: dict[str, list[Step]] = {
    "407": [send(reply(407, b"", "Proxy-Authenticate: Basic realm=x"))],
    "403": [send(reply(403, b"no"))],
    "502": [send(reply(502, b"no"))],
    "503-kept-open": [send(reply(503, b"no")), hang],
    "302": [send(reply(302, b"", "Location: /"))],
    "garbage": [send(b"SSH-2.0-OpenSSH_9.9\r\n")],
    "closed": [],
    "reset": [reset],
    "cut-off": [send(TUNNEL[:-2])],
    "closed-tunnel": [send(TUNNEL)],
    "no-tls": [send(TUNNEL + reply(200)), hang],
    "endless": [flood(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1_000)],
    "endless-interim": [flood(b"", b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" * 1_000)],
}


@pytest.mark.parametrize("script", REFUSALS.values(), ids=REFUSALS)
def test_a_proxy_that_opens_no_tunnel_refunds_the_start(
    script: list[Step], trusted_tls: ssl.SSLContext
) -> None:
    """Whatever it answers, the provider got no request."""
    with Server(success(), tls=trusted_tls) as server, Proxy(*script, hang_up) as proxy:
        assert_refunded(through(proxy, server.url))
    assert len(proxy.heads) == 1
    assert server.connections == 0


@pytest.mark.parametrize(
    "script",
    [[hang], [drip(TUNNEL * 9)], [drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 99)]],
    ids=["silent", "dripping", "dripping-head"],
)
def test_a_connect_that_does_not_end_is_ended(
    script: list[Step], trusted_tls: ssl.SSLContext
) -> None:
    """By the deadline, or earlier by the time to connect; the start is refunded."""
    with Server(success(), tls=trusted_tls) as server, Proxy(*script, hang, hang_up) as proxy:
        provider = provider_at(
            server.url, proxy=proxy.address, deadline=SOON, connect_timeout=PATIENCE
        )
        assert_refunded(placed_in_time(provider))
        provider = provider_at(server.url, proxy=proxy.address, connect_timeout=SOON)
        assert_refunded(placed_in_time(provider))
    assert server.connections == 0


def test_a_proxy_that_is_gone_refunds_the_start(trusted_tls: ssl.SSLContext) -> None:
    """The provider is not asked without it: it would not admit our own address."""
    with socket.socket() as unheard, Server(success(), tls=trusted_tls) as server:
        unheard.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        assert_refunded(place(provider_at(server.url, proxy=proxy)))
    assert server.connections == 0


def test_the_provider_is_verified_through_the_proxy(tls: ssl.SSLContext) -> None:
    """A proxy that takes the provider's place gets no request."""
    with Server(success(), tls=tls) as server, Proxy() as proxy:
        assert_refunded(through(proxy, server.url))
    assert server.connections == 1
    assert server.requests == []


def test_a_tunnel_lost_after_sending_is_unknown(trusted_tls: ssl.SSLContext) -> None:
    """The provider has the request: the phone may be ringing."""
    with Server(lambda _: proxy.lost(), hang, tls=trusted_tls) as server, Proxy() as proxy:
        assert isinstance(through(proxy, server.url), Unknown)
    assert len(server.requests) == len(proxy.heads) == 1


def test_without_tls_the_proxy_forwards_the_request() -> None:
    """Only a provider on the same machine may be without TLS."""
    with Server(success()) as proxy:
        outcome = place(provider_at(f"http://{NAME}:9", proxy=with_user(proxy.url)))
    assert isinstance(outcome, Placed)
    request = proxy.requests[0]
    assert request.target == f"http://{NAME}:9{PATH}"
    assert request.values("Host") == [f"{NAME}:9"]
    assert request.values("Proxy-Authorization") == [f"Basic {BASIC}"]


@pytest.mark.parametrize(
    ("step", "refund"),
    [(answer(407, {}), True), (answer(502, {}), False), (answer(504, {}), False)],
)
def test_a_forwarding_proxys_answer_counts_as_the_providers(*, step: Step, refund: bool) -> None:
    """Both look alike: with a 5xx the phone may ring."""
    with Server(step) as proxy:
        outcome = through(proxy, f"http://{NAME}:9")
    assert isinstance(outcome, Failed)
    assert outcome.refund is refund


def test_a_forwarding_proxy_that_breaks_is_unknown() -> None:
    """It may have forwarded the request."""
    with Server(reset) as proxy:
        assert isinstance(through(proxy, f"http://{NAME}:9"), Unknown)
