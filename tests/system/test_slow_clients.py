"""Bodies that arrive slowly or not whole, at a server whose clocks are short."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from tests.ports import free_port
from tests.system.house import ROOT
from tests.waiting import wait_until

PATIENCE = 20
CONFIG = """
from pathlib import Path
exec(Path("config/gunicorn.conf.py").read_text())
Worker.reading_seconds = %s
Worker.working_seconds = %s
workers = 1
"""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
KEY = b"X-Authorization: AccessKey development-access-key\r\n"
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


@contextmanager
def serving(folder: Path, reading: float, working: float) -> Iterator[tuple[int, subprocess.Popen]]:
    """Run the service on a free port, with these seconds for a body to arrive and for the work.

    No Redis is needed.
    """
    config, port = folder / "impatient.py", free_port()
    config.write_text(CONFIG % (reading, working))
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", str(config), "wsgi:app"],
        cwd=ROOT,
        env=os.environ | {"APP_ENV": "development", "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _alive(port), PATIENCE)
        yield port, process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A service that waits for a body for half a second."""
    with serving(tmp_path_factory.mktemp("impatient"), 0.5, 10) as (port, _):
        yield port


def _alive(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok
    except requests.RequestException:
        return False


def head(path: str, length: int | None, *more: bytes, version: str = "1.1") -> bytes:
    """Return the head of a POST. A length of None: chunked."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    first = f"POST {path} HTTP/{version}\r\nHost: x\r\nContent-Type: application/json\r\n"
    return (first + framing + "\r\n").encode() + KEY + b"".join(more) + b"\r\n"


def answer(client: socket.socket) -> tuple[int, str, dict[str, Any]]:
    """Read until the connection ends; return status, headers and JSON."""
    raw = b""
    while part := client.recv(65_536):
        raw += part
    headers, _, body = raw.partition(b"\r\n\r\n")
    return int(headers.split()[1]), headers.decode(), json.loads(body)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def drip(client: socket.socket, piece: bytes, port: int) -> None:
    """Send a piece of a body again and again, until the server answers. It serves others, too."""
    client.settimeout(0.05)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert _alive(port)
        client.sendall(piece)
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
    with serving(tmp_path, 20, 1) as (port, _), connect(port) as client:
        client.sendall(head("/verify/start", len(START), b"Connection: close\r\n"))
        for byte in START:
            # Longer than the work may take, and what is tested.
            time.sleep(1.5 / len(START))
            client.sendall(bytes([byte]))
        assert answer(client)[0] == 503


def test_sigterm_ends_the_wait_for_a_body(tmp_path: Path) -> None:
    """Long before the body's own time is over. Nothing was done, and a repeat goes elsewhere."""
    with serving(tmp_path, 1000, 10) as (port, process), connect(port) as client:
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
