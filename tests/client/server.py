"""A server of real HTTP on loopback: in front of the real application, until a test has it fail.

Each request meets the next of the ``fates``; without any, what the application says.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.api.service import Service

PATIENCE = 5.0
"""Seconds after which the server gives up whatever it waits for."""


@dataclass(frozen=True)
class Received:
    """One request that arrived whole."""

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def key(self) -> str | None:
        return self.headers.get("idempotency-key")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Exchange(BaseHTTPRequestHandler):
    """One connection; a fate gets it once a request has arrived."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer after the first takes 40 ms
    front: Front
    received: Received

    def setup(self) -> None:
        super().setup()
        self.front.connections += 1

    def finish(self) -> None:
        super().finish()
        self.front.ended += 1

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.received = Received(self.command, self.path, headers, self.rfile.read(size))
        self.front.requests.append(self.received)
        fates = self.front.fates
        (fates.popleft() if fates else serve)(self)

    do_POST = do_GET  # noqa: N815 - its name

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("connection", "content-length", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the client may have disconnected
            self.wfile.write(body)

    def break_off(self) -> None:
        """Close with an RST."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
        pass


Fate = Callable[[Exchange], None]


def serve(exchange: Exchange) -> None:
    """Say what the application says."""
    exchange.reply(*exchange.front.ask(exchange.received))


def lose(exchange: Exchange) -> None:
    """Have the application do it, and lose its answer on the way."""
    exchange.front.ask(exchange.received)
    exchange.break_off()


def reset(exchange: Exchange) -> None:
    """Break the connection off before anybody saw the request."""
    exchange.break_off()


def hang(exchange: Exchange) -> None:
    """Send nothing until the client has disconnected, or the test is over."""
    exchange.connection.settimeout(0.01)
    until = time.monotonic() + PATIENCE
    while not exchange.front.over.is_set() and time.monotonic() < until:
        with contextlib.suppress(TimeoutError):
            exchange.connection.recv(1)
            break
    exchange.break_off()


def says(status: int, body: Any = None, **headers: str) -> Fate:
    """Say this. ``body`` is JSON unless it is bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.reply(status, raw, named)


def writes(raw: bytes) -> Fate:
    """Write bytes that need not be HTTP, and close."""

    def fate(exchange: Exchange) -> None:
        with contextlib.suppress(OSError):
            exchange.connection.sendall(raw)
        exchange.close_connection = True

    return fate


def then_closes(fate: Fate) -> Fate:
    """Close the connection afterwards, though nothing said so."""

    def both(exchange: Exchange) -> None:
        fate(exchange)
        exchange.close_connection = True

    return both


class Front:
    """Listens for as long as its ``with`` block lasts."""

    def __init__(self, service: Service | None = None) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self.ended = 0
        self.fates: deque[Fate] = deque()
        self.over = threading.Event()
        self._service = service
        handler = type("Handler", (Exchange,), {"front": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def keys(self) -> list[str | None]:
        """The Idempotency-Key of each request, in the order of arrival."""
        return [request.key for request in self.requests]

    def speak(self, tls: ssl.SSLContext) -> None:
        """Speak TLS on all later connections."""
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    def will(self, *fates: Fate) -> Self:
        """Let further requests meet these, one each."""
        self.fates.extend(fates)
        return self

    def ask(self, received: Received) -> tuple[int, bytes, dict[str, str]]:
        """Have the application answer; a client of its own for each, since they come at once."""
        assert self._service is not None, f"nobody is to answer {received}"
        answer = self._service.app.test_client().open(
            received.path, method=received.method, headers=received.headers, data=received.body
        )
        self._service.answers.append(answer)
        return answer.status_code, answer.data, dict(answer.headers)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def shutdown_request(self, request: Any) -> None:
        """Close at once: the orderly way would write a FIN before an RST."""
        self.close_request(request)
