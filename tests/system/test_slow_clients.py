"""The time limit of a whole request, with half a second instead of the server's own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.ports import free_port
from tests.system.house import ROOT
from tests.waiting import wait_until

PATIENCE = 20
CONFIG = """
from pathlib import Path
exec(Path("config/gunicorn.conf.py").read_text())
Worker.request_seconds = 0.5
workers = 1
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The service on a free port. No Redis is needed."""
    config = tmp_path / "impatient.py"
    config.write_text(CONFIG)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", str(config), "wsgi:app"],
        cwd=ROOT,
        env=os.environ | {"APP_ENV": "development", "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _alive(port), PATIENCE)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def _alive(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok
    except requests.RequestException:
        return False


def test_a_body_that_is_sent_byte_by_byte_is_ended(port: int) -> None:
    """The client is answered and disconnected. Others are served meanwhile."""
    head = b"POST /callbacks/flashcall HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += b"X-Request-ID: slow-one\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(head + b"Content-Length: 10000\r\n\r\n")
        client.settimeout(0.05)
        answer, until = b"", time.monotonic() + PATIENCE
        while not answer.endswith(b"}"):
            assert time.monotonic() < until
            assert _alive(port)
            try:
                client.sendall(b" ")
                answer += client.recv(65_536)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"status": "invalidSchemeError"' in answer
    assert b"X-Request-ID: slow-one\r\n" in answer
