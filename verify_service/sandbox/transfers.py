"""Answers that a web framework does not send: they drip, do not arrive, or end too early.

The development server provides the socket of a request as `environ["werkzeug.socket"]`. These
answers are written to it directly. The WSGI answer must not follow: its body raises
ConnectionAbortedError, and the server then closes the connection.
"""

import socket
import struct
import time
from collections.abc import Iterator
from threading import Event

from flask import Response, request

from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.outcomes import Transfer
from verify_service.sandbox.server import is_connected

# Seconds between two checks whether the client is still connected.
TICK = 0.05

# SO_LINGER on, 0 s: closing discards unsent data and resets the connection.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class _Client:
    """The connection to the client, used until `config.hang` has passed or `stop` is set."""

    def __init__(self, connection: socket.socket, config: SandboxConfig, stop: Event) -> None:
        self.connection = connection
        self._drip = config.drip
        self._end = time.monotonic() + config.hang
        self._stop = stop

    def drip(self, data: bytes) -> None:
        """Send one byte after the other."""
        # Without it the system collects bytes while earlier ones are not acknowledged.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for position in range(len(data)):
            self.connection.sendall(data[position : position + 1])
            if not self.wait(self._drip):
                return

    def wait(self, seconds: float = float("inf")) -> bool:
        """Send nothing for a time; return whether the client is connected and time is left."""
        until = min(time.monotonic() + seconds, self._end)
        while (left := until - time.monotonic()) > 0:
            if self._stop.wait(min(left, TICK)) or not is_connected(self.connection):
                return False
        return until < self._end


def send_faulty(
    answer: Response, transfer: Transfer, config: SandboxConfig, stop: Event
) -> Response:
    """Return a WSGI answer that sends `answer` with the fault, within `config.hang` seconds."""
    client = _Client(request.environ["werkzeug.socket"], config, stop)
    head, body = _head(answer), answer.get_data()

    def send() -> Iterator[bytes]:
        _send(client, transfer, head, body)
        raise ConnectionAbortedError
        yield b""  # makes this a generator, which starts when the server reads it

    return Response(send())


def _send(client: _Client, transfer: Transfer, head: bytes, body: bytes) -> None:
    match transfer:
        case Transfer.DRIPPING_HEADERS:
            client.drip(head + body)
        case Transfer.DRIPPING_BODY:
            client.connection.sendall(head)
            client.drip(body)
        case Transfer.NO_ANSWER:
            client.wait()
        case Transfer.RESET:
            client.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        case Transfer.CUT_SHORT:
            client.connection.sendall(head + body[: len(body) // 2])


def _head(answer: Response) -> bytes:
    answer.headers["Content-Length"] = str(len(answer.get_data()))
    answer.headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {answer.status}", *(f"{name}: {value}" for name, value in answer.headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
