"""The outcome of a call decides whether the next start is let through, measured by starting
again."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.provider.certificates import self_signed
from tests.provider.server import Server, drip, reply, send

from .service import Service
from .standin import Answer, StandIn

SUCCESS = b'{"requestId": "r-1", "from": "79179130000"}'


def again(service: Service) -> int:
    """Start once more, at once."""
    return service.start().status_code


@pytest.fixture
def untrusted(tmp_path) -> Iterator[Server]:
    """A provider with a certificate that no trusted authority signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(tmp_path))
    with Server(send(reply(200, SUCCESS)), tls=context) as server:
        yield server


def test_a_connection_that_never_opened_is_refunded(make, fake) -> None:
    """No server listens: 502 and failed, and the next start is let through."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        service = make(fake, PROVIDER_URL=f"http://127.0.0.1:{unheard.getsockname()[1]}/api")
        assert _failed(service.start())
        assert again(service) == 502


@pytest.mark.slow
def test_a_certificate_that_is_not_trusted_is_refunded(make, fake, untrusted: Server) -> None:
    """The start is refunded, and not a byte of the request was sent."""
    service = make(fake, PROVIDER_URL=f"{untrusted.url}/api")
    assert _failed(service.start())
    assert again(service) == 502
    assert untrusted.requests == []


def _failed(answer) -> bool:
    said = (answer.status_code, answer.json["status"], answer.json["restartIn"])
    return said == (502, "rpcError", 0)


@pytest.mark.parametrize("http", [429, 200, 500])
def test_the_providers_throttle_is_refunded(
    timed: Service, provider: StandIn, clock, http: int
) -> None:
    """errorCode 4 over any HTTP status is refunded; the next start waits as long as the provider
    says."""
    provider.answers(http, {"errorCode": 4})
    answer = timed.start()
    assert (answer.json["retryAfter"], answer.json["restartIn"]) == (5, 5)
    assert again(timed) == 429
    clock.passes(5)
    assert again(timed) == 502
    assert len(provider.calls) == 2


PLACED = {
    "with from": lambda call: {"requestId": "r", "from": call.caller},
    "without from": lambda _: {"requestId": "r"},
    "from of another code": lambda _: {"requestId": "r", "from": "79179130000"},
    "errorCode 0": lambda call: {"requestId": "r", "from": call.caller, "errorCode": 0},
}


@pytest.mark.parametrize("body", PLACED.values(), ids=PLACED)
def test_a_placed_call_counts(timed: Service, provider: StandIn, body) -> None:
    """201, placed. The next start is refused, and no second call is placed."""
    provider.then = lambda call: Answer(200, body(call))
    started = timed.start()
    assert (started.status_code, started.json["call"]["state"]) == (201, "placed")
    assert (started.json["restartIn"], again(timed)) == (30, 429)
    assert len(provider.calls) == 1


def test_an_answer_that_drips_is_unknown_and_counts(make, fake) -> None:
    """The deadline ends an answer whose connection is never silent: 201, one request, and the start
    counts."""
    with Server(drip(reply(200, SUCCESS), pause=0.05)) as server:
        service = make(fake, PROVIDER_URL=f"{server.url}/api", PROVIDER_DEADLINE="0.2")
        started = service.start()
        assert (started.status_code, started.json["call"]["state"]) == (201, "unknown")
        assert again(service) == 429
    assert len(server.requests) == 1
