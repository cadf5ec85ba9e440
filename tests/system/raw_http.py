"""A server with clocks of a test's own, and requests that are sent to it byte by byte."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.ports import free_port
from tests.system.house import ROOT
from tests.waiting import wait_until

PATIENCE = 60
"""Seconds that suffice for anything, on a busy machine too."""
CONFIG = """
from pathlib import Path
exec(Path("config/gunicorn.conf.py").read_text())
workers = 1
"""
KEY = b"X-Authorization: AccessKey development-access-key\r\n"


@contextmanager
def serving(
    folder: Path, clocks: dict[str, float], **settings: str
) -> Iterator[tuple[int, subprocess.Popen]]:
    """Run the service on a free port, for the duration of the block. No Redis is needed.

    Args:
        folder: For the server's configuration.
        clocks: The attributes of `Worker` that differ from config/gunicorn.conf.py.
        settings: Environment variables.
    """
    config, port = folder / "impatient.py", free_port()
    config.write_text(CONFIG + "".join(f"Worker.{clock} = {clocks[clock]}\n" for clock in clocks))
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", str(config), "wsgi:app"],
        cwd=ROOT,
        env=os.environ | {"APP_ENV": "development", "PORT": str(port)} | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: alive(port), PATIENCE)
        yield port, process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def alive(port: int) -> bool:
    """Return whether the server answers."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok
    except requests.RequestException:
        return False


def head(path: str, length: int | None, *more: bytes, version: str = "1.1") -> bytes:
    """Return the head of a POST. A length of None: chunked."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    first = f"POST {path} HTTP/{version}\r\nHost: x\r\nContent-Type: application/json\r\n"
    return (first + framing + "\r\n").encode() + KEY + b"".join(more) + b"\r\n"


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def answer(client: socket.socket) -> tuple[int, str, dict[str, Any]]:
    """Read until the server ends the connection; return status, headers and JSON."""
    raw = b""
    while part := client.recv(65_536):
        raw += part
    headers, _, body = raw.partition(b"\r\n\r\n")
    return int(headers.split()[1]), headers.decode(), json.loads(body)


def wait_for_end(client: socket.socket) -> None:
    """Wait until the server has ended the connection, and read nothing of it."""
    poll = select.poll()
    poll.register(client, select.POLLRDHUP)
    assert poll.poll(PATIENCE * 1000), f"did not end within {PATIENCE} s"
