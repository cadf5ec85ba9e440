"""The last answer on a connection reaches a client that is still sending.

RFC 9112, section 9.6: a server that closes its socket while bytes of the client are unread, or
still on their way, resets the connection. The client may then lose the answer.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.raw_http import (
    KEY,
    PATIENCE,
    answer,
    connect,
    head,
    serving,
    wait_for_end,
)
from tests.waiting import wait_until

PROMPT = {"reading_seconds": 0.5, "working_seconds": 0.5}
CLOSE = b"Connection: close\r\n"
MORE = b"more of the body" * 100
END_SECONDS = 25
"""The time in which all processes end after SIGTERM."""
START, CALLBACK = "/verify/start", "/callbacks/flashcall"
READ_AT_LEAST = 1024 * 1024
"""The body of a client that gets its 413, though it sends all of it first."""
READ_AT_MOST = 16 * READ_AT_LEAST
"""With the buffers of both sockets, which the system chooses."""
VALID = b'{"number": "+79161234567"}'
BROKEN_CHUNK = b"5\r\nhelloXX" + MORE
NO_KEY = head(START, 10_000, CLOSE).replace(KEY, b"")
NO_JSON = head(START, 10_000, CLOSE).replace(b"application/json", b"image/png")
ENDINGS = {
    "slow body": (head(START, 10_000) + b"{", 408),
    "slow chunks": (head(CALLBACK, None) + b"1\r\n", 408),
    "large body": (head(START, READ_AT_LEAST, CLOSE) + MORE, 413),
    "large callback": (head(CALLBACK, READ_AT_LEAST, CLOSE) + MORE, 413),
    "no key": (NO_KEY + MORE, 401),
    "no JSON": (NO_JSON + MORE, 415),
    "broken chunk": (head(START, None) + BROKEN_CHUNK, 400),
    "broken chunk of a callback": (head(CALLBACK, None) + BROKEN_CHUNK, 400),
    "malformed head": (b"POST /verify/start\r\n\r\n" + MORE * 20, 400),
    "long head": (b"GET /" + MORE * 20, 400),
    "late work": (head(START, len(VALID)) + VALID + MORE, 500),
    "answered": (head("/unknown", 2, CLOSE) + b"{}" + MORE, 404),
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A service that lingers for longer than any test takes. Its Redis is silent."""
    clocks = PROMPT | {"lingering_seconds": PATIENCE}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = {"REDIS_URL": f"redis://127.0.0.1:{silent.getsockname()[1]}"}
        folder = tmp_path_factory.mktemp("prompt")
        with serving(folder, clocks, REDIS_TIMEOUT="2", **where) as (port, _):
            yield port


def answer_after_more(client: socket.socket) -> int:
    """Send more after the server has ended the connection, and only then read the status."""
    wait_for_end(client)
    # The first piece would cause a reset, and the second one fail.
    for _ in range(5):
        client.sendall(MORE)
    return answer(client)[0]


@pytest.mark.parametrize(("raw", "status"), ENDINGS.values(), ids=ENDINGS)
def test_a_client_that_goes_on_sending_gets_its_answer(port: int, raw: bytes, status: int) -> None:
    """After every kind of answer that ends a connection."""
    with connect(port) as client:
        client.sendall(raw)
        assert answer_after_more(client) == status


def test_a_client_that_sends_all_before_it_reads_gets_its_answer(port: int) -> None:
    """As many do. The body is 64 times larger than is valid."""
    with connect(port) as client:
        client.sendall(head(START, READ_AT_LEAST, CLOSE) + bytes(READ_AT_LEAST))
        wait_for_end(client)
        assert answer(client)[0] == 413


def test_a_body_that_comes_after_sigterm_has_ended_its_wait(tmp_path: Path) -> None:
    """Its client receives the 400: nothing was done."""
    clocks = {"reading_seconds": 1000.0, "lingering_seconds": PATIENCE}
    with serving(tmp_path, clocks) as (port, process), connect(port) as client:
        client.sendall(head(START, 10_000, b"Expect: 100-continue\r\n"))
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"  # it waits for the body
        process.send_signal(signal.SIGTERM)
        assert answer_after_more(client) == 400


def is_reset(client: socket.socket, piece: bytes) -> bool:
    """Send a piece; return whether the server has stopped reading."""
    try:
        client.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def test_a_client_that_does_not_close_is_disconnected(tmp_path: Path) -> None:
    """After `lingering_seconds`, though it goes on sending."""
    clocks = PROMPT | {"lingering_seconds": 0.5}
    with serving(tmp_path, clocks) as (port, _), connect(port) as client:
        client.sendall(head(START, 10_000, CLOSE))
        wait_for_end(client)
        wait_until(lambda: is_reset(client, b" "), PATIENCE)


def test_a_client_that_sends_without_end_is_disconnected(port: int) -> None:
    """After `lingering_bytes`, long before `lingering_seconds` are over."""
    with connect(port) as client:
        client.sendall(head(START, 10**9, CLOSE))
        sent = 0
        while not is_reset(client, bytes(65_536)):
            sent += 65_536
            assert sent < READ_AT_MOST


def test_clients_that_do_not_close_do_not_delay_the_end(tmp_path: Path) -> None:
    """Not by more than `lingering_seconds`: all processes end within 25 s."""
    with serving(tmp_path, PROMPT) as (port, process), ExitStack() as stack:
        clients = [stack.enter_context(connect(port)) for _ in range(20)]
        for client in clients:
            client.sendall(head(START, 10_000, CLOSE) + MORE)
        for client in clients:
            wait_for_end(client)
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_SECONDS) == 0
