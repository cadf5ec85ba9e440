"""Answers that no web framework gives: they drip, stay away, or break off.

The development server hands a request's socket over in `environ["werkzeug.socket"]`. What is
written there goes past WSGI, so the WSGI answer must not follow: reading it raises what a lost
connection raises, and the server lets go of the connection.
"""

import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from threading import Event

from flask import Response, request

from verify_service.sandbox.leaving import has_left
from verify_service.sandbox.outcomes import Manner

TICK = 0.05
"""Seconds between two looks whether anybody is still there."""

# Linger on, for 0 s: closing drops what is unsent and resets the connection.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Client:
    """Who waits for the answer, and what ends the patience with them.

    drip: seconds from byte to byte. hang: seconds until it is over in any case.
    stop: set when the simulator stops.
    """

    def __init__(self, connection: socket.socket, drip: float, hang: float, stop: Event) -> None:
        self._connection = connection
        self._drip = drip
        self._until = time.monotonic() + hang
        self._stop = stop

    def tell(self, data: bytes) -> None:
        """Send all of it at once."""
        self._connection.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send it byte by byte, as far as the time goes."""
        # Else the system gathers bytes while earlier ones are under way.
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for position in range(len(data)):
            self.tell(data[position : position + 1])
            if not self.keep_waiting(self._drip):
                return

    def keep_waiting(self, seconds: float) -> bool:
        """Say nothing for a while; tell whether there is anybody and any time left after it."""
        until = min(time.monotonic() + seconds, self._until)
        while (left := until - time.monotonic()) > 0:
            if self._stop.wait(min(left, TICK)) or has_left(self._connection):
                return False
        return until < self._until

    def reset(self) -> None:
        """Have the connection reset when it is closed."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


def _silent(client: Client, _head: bytes, _body: bytes) -> None:
    client.keep_waiting(float("inf"))


def _dripping_headers(client: Client, head: bytes, body: bytes) -> None:
    client.drip(head + body)


def _dripping_body(client: Client, head: bytes, body: bytes) -> None:
    client.tell(head)
    client.drip(body)


def _cut_short(client: Client, head: bytes, body: bytes) -> None:
    client.tell(head + body[: len(body) // 2])


def _closed(_client: Client, _head: bytes, _body: bytes) -> None:
    pass


def _reset(client: Client, _head: bytes, _body: bytes) -> None:
    client.reset()


_WAYS: Mapping[Manner, Callable[[Client, bytes, bytes], None]] = {
    Manner.DRIPPING_HEADERS: _dripping_headers,
    Manner.DRIPPING_BODY: _dripping_body,
    Manner.SILENT: _silent,
    Manner.CLOSED: _closed,
    Manner.RESET: _reset,
    Manner.CUT_SHORT: _cut_short,
}


def unruly(answer: Response, manner: Manner, drip: float, hang: float, stop: Event) -> Response:
    """`answer`, on its way in another manner than whole. It takes `hang` seconds at most."""
    client = Client(request.environ["werkzeug.socket"], drip, hang, stop)
    head, body = _head(answer), answer.get_data()

    def perform() -> Iterator[bytes]:
        _WAYS[manner](client, head, body)
        raise ConnectionAbortedError
        yield b""  # what makes it a generator: nothing happens before the server asks

    return Response(perform())


def _head(answer: Response) -> bytes:
    answer.headers["Content-Length"] = str(len(answer.get_data()))
    answer.headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {answer.status}", *(f"{name}: {value}" for name, value in answer.headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
