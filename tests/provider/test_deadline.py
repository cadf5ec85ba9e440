"""The wall clock covers resolver, connect, TLS, headers and body."""

from __future__ import annotations

import contextlib
import gc
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from verify_service.domain.calls import CallOutcome, Failed, Unknown
from verify_service.provider.call_provider import CallProvider

from .harness import SLACK, SOON, exchange, free_slots, place, provider_at, success
from .server import PATIENCE, Peer, Server, Step, drip, hang, reply, send

pytestmark = pytest.mark.slow
"""Together they wait for seconds."""

BODY = b'{"requestId": "r-1"}'


def placed_in_time(provider: CallProvider, deadline: float = SOON) -> CallOutcome:
    """Place a call that cannot end by itself; it ends at the deadline."""
    began = time.monotonic()
    outcome = place(provider)
    assert deadline <= time.monotonic() - began < deadline + SLACK
    return outcome


@contextmanager
def full_backlog() -> Iterator[tuple[socket.socket, set[Any]]]:
    """A listener with a full queue, and the connections in it: the next connection only waits."""
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        queue = set()
        for _ in range(16):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
            queue.add(waiting.getsockname())
            if not select.select([], [waiting], [], 0.1)[1]:
                break
        else:
            pytest.skip("this system's listeners are never full")
        yield listener, queue


def assert_refunded(outcome: CallOutcome) -> None:
    """Check that no call was placed and the start is refunded."""
    assert isinstance(outcome, Failed)
    assert outcome.refund


def test_a_hung_connect_is_abandoned_and_never_sends() -> None:
    """The start is refunded at the deadline. No connection opens later and carries anything."""
    with full_backlog() as (listener, queue):
        provider = provider_at(f"http://127.0.0.1:{listener.getsockname()[1]}", deadline=SOON)
        assert_refunded(placed_in_time(provider))

        listener.settimeout(PATIENCE)
        for _ in queue:
            listener.accept()[0].close()
        with socket.create_connection(listener.getsockname(), PATIENCE) as last:
            connection, caller = listener.accept()
            connection.close()
            assert caller == last.getsockname()
        gc.collect()  # an unclosed socket would be reported here


def test_a_slow_connect_ends_at_its_own_timeout() -> None:
    """``connect_timeout`` ends a connect before the deadline does."""
    with full_backlog() as (listener, _):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        assert_refunded(place(provider_at(url, deadline=PATIENCE, connect_timeout=0.1)))
    assert time.monotonic() - began < PATIENCE


def test_a_hung_handshake_is_ended_and_never_sends(trusted_tls: ssl.SSLContext) -> None:
    """The start is refunded at the deadline. A handshake that continues later carries nothing."""
    gate = threading.Event()
    with Server(success(), tls=trusted_tls, gate=gate) as server:
        provider = provider_at(server.url, deadline=SOON, connect_timeout=PATIENCE)
        assert_refunded(placed_in_time(provider))
        assert free_slots(provider) == 1
        gate.set()
    assert server.connections == 1
    assert server.requests == []


class Records:
    """The server's side of TLS over a plain connection, so that a test can write half a record."""

    def __init__(self, peer: Peer, context: ssl.SSLContext) -> None:
        self._peer = peer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def written(self) -> bytes:
        """Return the records that are to be sent."""
        return self._outgoing.read()

    def receive(self) -> None:
        """Wait for bytes of the other end."""
        self._incoming.write(self._peer.socket.recv(65_536))

    def until_read(self, size: int) -> None:
        """Shake hands, and read ``size`` bytes."""
        while size > 0:
            try:
                size -= len(self.tls.read(size))
            except ssl.SSLWantReadError:
                self._peer.socket.sendall(self.written())
                self.receive()


def drip_handshake(context: ssl.SSLContext) -> Step:
    """Send the server's first records byte by byte."""

    def step(peer: Peer) -> None:
        records = Records(peer, context)
        records.receive()
        with contextlib.suppress(ssl.SSLWantReadError):
            records.tls.do_handshake()
        drip(records.written())(peer)

    return step


def test_a_dripping_handshake_is_ended_and_never_sends(trusted_tls: ssl.SSLContext) -> None:
    """Single bytes satisfy a timeout for each read, but not the deadline."""

    with Server(drip_handshake(trusted_tls), hang, reads=False) as server:
        url = f"https://127.0.0.1:{server.port}"
        provider = provider_at(url, deadline=SOON, connect_timeout=PATIENCE)
        assert_refunded(placed_in_time(provider))
        assert free_slots(provider) == 1
    assert server.connections == 1


def test_a_dripping_handshake_ends_at_the_connect_timeout(trusted_tls: ssl.SSLContext) -> None:
    """All of the handshake has this time, and not each read of it."""

    with Server(drip_handshake(trusted_tls), hang, reads=False) as server:
        url = f"https://127.0.0.1:{server.port}"
        provider = provider_at(url, deadline=2 * PATIENCE, connect_timeout=SOON)
        assert_refunded(placed_in_time(provider))


def test_a_dripping_record_is_unknown_at_the_deadline(trusted_tls: ssl.SSLContext) -> None:
    """A record is read in pieces, and each piece is a wait."""

    def drip_record(peer: Peer) -> None:
        records = Records(peer, trusted_tls)
        records.until_read(100)  # of the request
        peer.socket.sendall(records.written())
        records.tls.write(reply(200, BODY))
        drip(records.written())(peer)

    with Server(drip_record, hang, reads=False) as server:
        url = f"https://127.0.0.1:{server.port}"
        provider = provider_at(url, deadline=5 * SOON, connect_timeout=PATIENCE)
        assert isinstance(placed_in_time(provider, 5 * SOON), Unknown)
    assert server.connections == 1


def test_a_slow_handshake_ends_at_the_connect_timeout(trusted_tls: ssl.SSLContext) -> None:
    """``connect_timeout`` bounds the handshake too, and still nothing was sent."""
    gate = threading.Event()
    with Server(success(), tls=trusted_tls, gate=gate) as server:
        began = time.monotonic()
        assert_refunded(place(provider_at(server.url, connect_timeout=0.1)))
        assert time.monotonic() - began < PATIENCE
        gate.set()
    assert server.requests == []


@pytest.mark.parametrize(
    "script",
    [
        [hang],
        [drip(reply(200, BODY))],
        [drip(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 9)],
        [send(reply(200, BODY)[: -len(BODY)]), hang],
        [send(reply(200, BODY)[: -len(BODY)]), drip(BODY)],
        [send(b"HTTP/1.0 200 OK\r\n\r\n"), drip(BODY)],
        [send(b"HTTP/1.0 200 OK\r\n\r\n" + BODY), hang],
        [send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), drip(b"14\r\n" + BODY)],
        [send(b"HTTP/1.1 400 No\r\n\r\n"), drip(b'{"errorCode": 6}')],
    ],
    ids=[
        "silence",
        "dripped-headers",
        "dripped-interim-answers",
        "no-body",
        "dripped-body",
        "dripped-body-without-length",
        "body-without-end",
        "dripped-chunk",
        "dripped-refusal",
    ],
)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_an_answer_that_does_not_end_is_unknown_at_the_deadline(
    script: list[Any], secure: bool, trusted_tls: ssl.SSLContext
) -> None:
    """The request was sent, and no whole answer came in time: unknown, and one POST."""
    tls = trusted_tls if secure else None
    try:
        seen = exchange(*script, deadline=SOON, tls=tls)
    except AssertionError:  # a busy machine may not send within such a short time
        seen = exchange(*script, deadline=10 * SOON, tls=tls)

    assert isinstance(seen.outcome, Unknown)
    assert seen.seconds >= SOON
