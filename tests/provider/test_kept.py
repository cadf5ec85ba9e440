"""Kept connections: used again while they are open and clean, and never for a second call."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.waiting import wait_until
from verify_service.domain.calls import CallOutcome, Placed, Unknown
from verify_service.provider.call_provider import CallProvider
from verify_service.transport import client
from verify_service.transport.connections import Connection

from .harness import SOON, place, provider_at, success
from .server import PATIENCE, Peer, Server, Step, drip, hang, hang_up, reply, reset, send, turns

pytestmark = pytest.mark.slow
"""Together they wait for seconds."""

FIRST = b'{"requestId": "first", "from": "79179134859"}'
HEAD = b"HTTP/1.1 200 OK\r\n"
IN_CHUNKS = b"2d\r\n%b\r\n0\r\n\r\n" % FIRST
FORGED = reply(200, b'{"requestId": "forged"}')
WAYS = pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])


def request_id(outcome: CallOutcome) -> str:
    assert isinstance(outcome, Placed)
    return outcome.request_id


def placed(provider: CallProvider, times: int) -> None:
    for _ in range(times):
        assert request_id(place(provider))


@WAYS
def test_a_connection_serves_many_calls(secure: bool, trusted_tls: ssl.SSLContext) -> None:
    """Five calls, five requests, one connection."""
    tls = trusted_tls if secure else None
    with Server(success(), keep_alive=True, tls=tls) as server:
        placed(provider_at(server.url), 5)
    assert (server.connections, len(server.requests)) == (1, 5)


@pytest.mark.parametrize(
    "answer",
    [
        send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + IN_CHUNKS),
        send(HEAD + b"transfer-encoding: Chunked\r\n\r\n" + IN_CHUNKS),
        send(b"HTTP/1.1 103 Hints\r\n\r\n" + reply(200, FIRST)),
        send(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 45\r\n\r\n" + FIRST),
        drip(reply(200, FIRST), pause=0.001),
        send(reply(200, FIRST, "Keep-Alive: timeout=5, max=100")),
        send(reply(200, FIRST, "Keep-Alive: timeout=2")),
    ],
    ids=["chunked", "any-case", "interim", "http-1.0", "dripped", "long-enough", "two-seconds"],
)
def test_an_answer_with_an_end_keeps_the_connection(answer: Step) -> None:
    assert len(FIRST) == 45
    with Server(answer, keep_alive=True) as server:
        placed(provider_at(server.url), 3)
    assert (server.connections, len(server.requests)) == (1, 3)


@pytest.mark.parametrize(
    "answer",
    [
        send(reply(200, FIRST, "Connection: close")),
        send(reply(200, FIRST, "Connection: Close, x")),
        send(reply(200, FIRST, "Connection: keep-alive", "Connection: close")),
        success(**{"from": "79179130000"}),
        send(reply(200, b'{"requestId": "first"}')),
        send(b"HTTP/1.0 200 OK\r\nContent-Length: 45\r\n\r\n" + FIRST),
        send(reply(200, FIRST, "Keep-Alive: timeout=1")),
        send(reply(200, FIRST, "Keep-Alive: timeout=0")),
        send(reply(200, FIRST.ljust(70_000))),
        send(reply(200, FIRST.ljust(65_537), length=70_000)),
        send(reply(200, FIRST, "no colon here")),
        send(reply(200, FIRST, "Content-Length: 45")),
        send(HEAD + b"Content-Length: 4_5\r\n\r\n" + FIRST),
        send(HEAD + b"Content-Length: +45\r\n\r\n" + FIRST),
        send(HEAD + b"Content-Length: 45\r\nTransfer-Encoding: chunked\r\n\r\n" + IN_CHUNKS),
        send(HEAD + b"Content-Length: 45\r\nTransfer-Encoding: identity\r\n\r\n" + FIRST),
        send(HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n" + IN_CHUNKS),
        send(b"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n"),
        *(send(reply(status, FIRST)) for status in (400, 408, 500, 503)),
    ],
    ids=[
        *("close", "close-and-more", "two-lines", "other-caller", "no-caller"),
        *("http-1.0", "one-second", "no-second", "too-large"),
        *("too-large-and-slow", "malformed", "two-lengths", "underscore", "sign"),
        *("length-and-chunks", "length-and-coding", "two-codings"),
        *("204", "400", "408", "500", "503"),
    ],
)
def test_an_answer_can_end_the_connection(answer: Step) -> None:
    """The server still waits for requests on it, and gets none."""
    with Server(answer, keep_alive=True) as server:
        provider = provider_at(server.url)
        for calls in (1, 2):
            place(provider)
            assert server.connections == calls
    assert len(server.requests) == 2


def test_a_late_response_after_an_ambiguous_one_is_no_answer() -> None:
    """What the end of the first one is depends on the reader, so the next call opens another."""
    coding = "Transfer-Encoding: gzip, chunked"
    first: list[object] = []

    def answer(peer: Peer) -> None:
        if not first:
            first.append(peer.socket)
            send(reply(200, b"{}", coding))(peer)
        elif peer.socket in first:
            send(FORGED)(peer)
        else:
            success()(peer)

    with Server(answer, keep_alive=True) as server:
        provider = provider_at(server.url)
        place(provider)
        assert request_id(place(provider)) == "r-1"
    assert server.connections == 2


class Two:
    """A server with two connections that are kept; the first one was kept first.

    Attributes:
        used: The connection of each answer.
    """

    def __init__(self, *limits: int) -> None:
        self.used: list[object] = []
        self.server = Server(self._answer, keep_alive=True)
        self._limits = limits
        self._gates = [threading.Event(), threading.Event()]

    def _answer(self, peer: Peer) -> None:
        number = len(self.server.requests) - 1
        if number < 2:
            self._gates[number].wait(PATIENCE)
        self.used.append(peer.socket)
        success(f"Keep-Alive: timeout={self._limits[number % 2]}")(peer)

    def begin(self, provider: CallProvider) -> None:
        with ThreadPoolExecutor(2) as pool:
            calls = []
            for number in (1, 2):
                calls.append(pool.submit(place, provider))
                wait_until(lambda number=number: len(self.server.requests) == number)
            for gate, call in zip(self._gates, calls, strict=True):
                gate.set()
                assert isinstance(call.result(PATIENCE), Placed)


@pytest.fixture
def shift(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock of the client on."""
    real, later = time.monotonic, [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: real() + sum(later))
    return later.append


def test_one_that_is_not_needed_is_closed_after_a_few_seconds(
    shift: Callable[[float], None],
) -> None:
    """Although another one is used all the time."""
    two = Two(9, 9)
    with two.server as server:
        provider = provider_at(server.url, deadline=60.0, max_in_flight=2)
        two.begin(provider)
        for _ in range(3):
            shift(client.IDLE_SECONDS / 2)
            placed(provider, 1)
        wait_until(lambda: server.open == 1, PATIENCE / 2)  # the server waits for PATIENCE
    assert two.used[1:] == [two.used[1]] * 4


def test_the_servers_own_limit_is_kept(shift: Callable[[float], None]) -> None:
    """It closes one of two after two seconds: after half of them the other one is used."""
    two = Two(9, 2)
    with two.server as server:
        provider = provider_at(server.url, deadline=60.0, max_in_flight=2)
        two.begin(provider)
        shift(1.0)
        placed(provider, 1)
    assert two.used[2] is two.used[0]


def test_a_connection_is_kept_for_a_few_seconds(shift: Callable[[float], None]) -> None:
    """After four idle seconds it is closed, and another one is opened."""
    with Server(success(), keep_alive=True) as server:
        provider = provider_at(server.url, deadline=60.0)
        placed(provider, 1)
        shift(client.IDLE_SECONDS - 1)
        placed(provider, 1)
        assert server.connections == 1
        shift(client.IDLE_SECONDS)
        placed(provider, 1)
        assert server.connections == 2
        wait_until(lambda: server.open == 1)


@WAYS
@pytest.mark.parametrize("end", [[], [reset]], ids=["closed", "reset"])
def test_a_connection_that_was_closed_is_opened_again(
    end: list[Step], secure: bool, trusted_tls: ssl.SSLContext
) -> None:
    """The server closes it while it is idle: the next call is placed over another one, once."""
    with Server(success(), *end, tls=trusted_tls if secure else None) as server:
        provider = provider_at(server.url)
        for calls in range(1, 4):
            outcome = place(provider)
            wait_until(lambda: server.open == 0)
            assert isinstance(outcome, (Placed, Unknown) if end else Placed)
            assert len(server.requests) == server.connections == calls


def test_one_that_is_closed_before_the_first_byte_is_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was open when it was looked at, and the system accepted no byte of the request."""
    looked_at = Connection.silent

    def closed_after_the_look(connection: Connection) -> bool:
        silent = looked_at(connection)
        wait_until(lambda: server.end_idle(reset) or server.open == 0)
        return silent

    with Server(success(), keep_alive=True) as server:
        provider = provider_at(server.url)
        placed(provider, 1)
        monkeypatch.setattr(Connection, "silent", closed_after_the_look)
        placed(provider, 1)
    assert (server.connections, len(server.requests)) == (2, 2)


@WAYS
@pytest.mark.parametrize(
    "second",
    [[hang_up], [reset, hang_up], [send(reply(200, FIRST)[:-1]), hang_up], [hang]],
    ids=["closed", "reset", "cut-off", "silent"],
)
def test_one_that_breaks_after_the_first_byte_is_unknown(
    second: list[Step], secure: bool, trusted_tls: ssl.SSLContext
) -> None:
    """The phone may be ringing: there is no second request, over this or another connection."""
    script = turns([success()], second)
    with Server(script, keep_alive=True, tls=trusted_tls if secure else None) as server:
        provider = provider_at(server.url, deadline=SOON * 5)
        placed(provider, 1)
        assert isinstance(place(provider), Unknown)
        wait_until(lambda: server.open == 0)
    assert (server.connections, len(server.requests)) == (1, 2)


def test_one_that_breaks_in_the_request_is_unknown() -> None:
    """The server resets it when it has read one byte of the second request."""

    def read_a_little(peer: Peer) -> None:
        peer.socket.recv(1)
        reset(peer)

    answer = send(reply(200, FIRST))
    with Server(answer, read_a_little, reads=True) as server:
        provider = provider_at(server.url)
        placed(provider, 1)
        assert isinstance(place(provider), Unknown)
    assert (server.connections, len(server.requests)) == (1, 1)


@WAYS
@pytest.mark.parametrize(
    "more",
    [
        [send(reply(200, FIRST) + FORGED)],
        [send(reply(200, FIRST)), send(FORGED)],
        [send(reply(200, FIRST) + b"\r\n")],
    ],
    ids=["at-once", "afterwards", "a-line"],
)
@pytest.mark.parametrize("end", [[], [hang_up]], ids=["open", "closed"])
def test_what_was_not_requested_is_no_answer(
    more: list[Step], end: list[Step], secure: bool, trusted_tls: ssl.SSLContext
) -> None:
    """Bytes after an answer are never the answer to the next request: it gets its own."""
    sent = threading.Event()
    script = turns([*more, lambda _: sent.set(), *end], [success()], [success()])
    with Server(script, keep_alive=True, tls=trusted_tls if secure else None) as server:
        provider = provider_at(server.url)
        assert request_id(place(provider)) == "first"
        assert sent.wait(PATIENCE)
        assert request_id(place(provider)) == "r-1"
    assert (server.connections, len(server.requests)) == (2, 2)


def test_no_more_are_kept_than_were_in_use() -> None:
    """Four callers, forty calls: at most four connections."""
    with Server(success(), keep_alive=True) as server:
        provider = provider_at(server.url, max_in_flight=4)
        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(lambda _: place(provider), range(40)))
        assert {type(outcome) for outcome in outcomes} == {Placed}
    assert server.connections <= 4
    assert len(server.requests) == 40


def test_a_deadline_that_races_with_the_answer_decides_once() -> None:
    """Whatever the moment of the deadline, what was not sent is refunded, and nothing else."""
    for turn in range(200):
        with Server(success(), keep_alive=True) as server:
            provider = provider_at(server.url, deadline=0.0002 + turn % 20 / 5000)
            outcome = place(provider)
            del provider
        if not isinstance(outcome, Placed | Unknown):
            assert server.requests == []
