"""Bodies that arrive slowly or not whole, at a server whose clocks are short."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.system.raw_http import PATIENCE, alive, answer, connect, head, serving

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
START = b'{"number": "+79161234567"}'
CALLBACK = urlencode(
    {
        "requestId": "x",
        "number": "79161234567",
        "status": "ANSWERED",
        "appKey": "sandbox-app-key",
        "timestamp": 1_790_000_000,
    }
).encode()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A service that waits for a body for half a second."""
    clocks = {"reading_seconds": 0.5, "lingering_seconds": PATIENCE}
    with serving(tmp_path_factory.mktemp("impatient"), clocks) as (port, _):
        yield port


def drip(client: socket.socket, piece: bytes, port: int) -> None:
    """Send a piece of a body again and again, until the server answers. It serves others, too."""
    client.settimeout(0.05)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        client.sendall(piece)
        assert alive(port)
        try:
            client.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            continue
        client.settimeout(PATIENCE)
        return


@pytest.mark.parametrize("path", ["/callbacks/flashcall", "/verify/start", "/verify/check"])
@pytest.mark.parametrize(("length", "piece"), [(10_000, b" "), (None, b"1\r\n \r\n")])
def test_a_body_that_is_sent_byte_by_byte_is_a_408(
    port: int, path: str, length: int | None, piece: bytes
) -> None:
    """The client is answered and disconnected. Others are served meanwhile."""
    with connect(port) as client:
        client.sendall(head(path, length, b"X-Request-ID: slow-one\r\n"))
        drip(client, piece, port)
        status, headers, body = answer(client)
    assert (status, body["status"]) == (408, "requiredJsonError")
    assert "X-Request-ID: slow-one" in headers
    assert "Connection: close" in headers


def test_a_body_may_take_longer_than_the_work(tmp_path: Path) -> None:
    """The request is then worked on: without Redis its answer is 503."""
    clocks = {"reading_seconds": PATIENCE, "working_seconds": 1}
    with serving(tmp_path, clocks) as (port, _), connect(port) as client:
        client.sendall(head("/verify/start", len(START), b"Connection: close\r\n"))
        for byte in START:
            # Longer than the work may take, and what is tested.
            time.sleep(1.5 / len(START))
            client.sendall(bytes([byte]))
        assert answer(client)[0] == 503


def test_sigterm_ends_the_wait_for_a_body(tmp_path: Path) -> None:
    """Long before the body's own time is over. Nothing was done, and a repeat goes elsewhere."""
    clocks = {"reading_seconds": 1000}
    with serving(tmp_path, clocks) as (port, process), connect(port) as client:
        client.sendall(head("/verify/start", len(START), b"Expect: 100-continue\r\n"))
        assert client.recv(25) == CONTINUE  # it waits for the body
        client.sendall(START[:-1])
        process.send_signal(signal.SIGTERM)
        status, _, body = answer(client)
        assert process.wait(PATIENCE) == 0
    assert (status, body["status"]) == (400, "requiredJsonError")


@pytest.mark.parametrize("path", ["/callbacks/flashcall", "/verify/start"])
@pytest.mark.parametrize("missing", [4, 10_000])
def test_a_body_that_is_cut_is_a_400(port: int, path: str, missing: int) -> None:
    """Though what arrived can be read: a callback's timestamp would be another one."""
    raw = CALLBACK[:-4] if path.startswith("/callbacks") else START
    with connect(port) as client:
        client.sendall(head(path, len(raw) + missing) + raw)
        client.shutdown(socket.SHUT_WR)
        status, _, body = answer(client)
    assert (status, body["status"]) == (400, "requiredJsonError")


@pytest.mark.parametrize("rest", [b"", b"0\r\n", b"5\r\nab"])
def test_chunks_without_an_end_are_a_400(port: int, rest: bytes) -> None:
    with connect(port) as client:
        client.sendall(head("/callbacks/flashcall", None))
        client.sendall(b"%x\r\n%s\r\n%s" % (len(CALLBACK), CALLBACK, rest))
        client.shutdown(socket.SHUT_WR)
        status, _, body = answer(client)
    assert (status, body["status"]) == (400, "requiredJsonError")


WHOLE = {
    "at once": head("/callbacks/flashcall", len(CALLBACK), b"Connection: close\r\n") + CALLBACK,
    "HTTP/1.0": head("/callbacks/flashcall", len(CALLBACK), version="1.0") + CALLBACK,
    "chunked": head("/callbacks/flashcall", None, b"Connection: close\r\n")
    + b"%x\r\n%s\r\n0\r\n\r\n" % (len(CALLBACK), CALLBACK),
}


@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE)
def test_a_whole_body_is_read(port: int, raw: bytes) -> None:
    """However it is framed. It is a form, in spite of its Content-Type. Redis is missing."""
    with connect(port) as client:
        client.sendall(raw)
        assert answer(client)[0] == 503


def test_a_client_that_waits_for_100_continue_is_served(port: int) -> None:
    """It sends its body when the server says so."""
    more = b"Connection: close\r\nExpect: 100-continue\r\n"
    with connect(port) as client:
        client.sendall(head("/callbacks/flashcall", len(CALLBACK), more))
        assert client.recv(25) == CONTINUE
        client.sendall(CALLBACK)
        assert answer(client)[0] == 503
