"""A proxy that fails on demand, between the service and a server that does not know about it."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto

PIECE = 65_536
BACKLOG = 128
# SO_LINGER of 0 s: closing drops unsent data and resets the connection.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class End(Enum):
    """How a connection ends."""

    CLOSED = auto()
    RESET = auto()


@dataclass(frozen=True)
class Passed:
    """The bytes that are forwarded of a piece, and whether the connection ends then, at both
    sides."""

    piece: bytes
    end: End | None = None


Way = Callable[[bytes], Passed]
"""Decides what is forwarded of a piece."""


def whole(piece: bytes) -> Passed:
    return Passed(piece)


def nothing(_: bytes) -> Passed:
    """A black hole: the connection is open, and nothing is forwarded."""
    return Passed(b"")


def cut(_: bytes) -> Passed:
    return Passed(b"", End.CLOSED)


def late(seconds: float) -> Way:
    def wait(piece: bytes) -> Passed:
        time.sleep(seconds)
        return Passed(piece)

    return wait


class TcpProxy:
    """Listens on a free port of loopback, and forwards to the current ``target``.

    ``there`` and ``back`` decide what is forwarded to the server and from it. A reset at one side
    is one at the other. ``drip`` is the seconds for each byte of an answer; at 0 it is sent as a
    whole.
    """

    def __init__(self, target: int = 0) -> None:
        self.target = target
        self.there: Way = whole
        self.back: Way = whole
        self.drip = 0.0
        self._open: set[socket.socket] = set()
        self._listener = _bound(0)
        self.port: int = self._listener.getsockname()[1]
        self._listen()

    @contextmanager
    def with_ways(self, there: Way = whole, back: Way = whole) -> Iterator[None]:
        self.there, self.back = there, back
        try:
            yield
        finally:
            self.there, self.back = whole, whole

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuse every connection, and keep the port: bound, and not listened on."""
        self._stop_listening()
        self.drop_all()
        self._listener = _bound(self.port)
        try:
            yield
        finally:
            self._listen()

    def every(self, turn: int, way: Way) -> Way:
        """Forward all pieces, except that every ``turn``-th goes this way."""
        lock, count = threading.Lock(), 0

        def choose(piece: bytes) -> Passed:
            nonlocal count
            with lock:
                count += 1
                chosen = count % turn == 0
            return way(piece) if chosen else Passed(piece)

        return choose

    def drop_all(self) -> None:
        """Break every open connection."""
        for one in tuple(self._open):
            _shut(one)

    def close(self) -> None:
        self._stop_listening()
        self.drop_all()

    def _listen(self) -> None:
        self._listener.listen(BACKLOG)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _stop_listening(self) -> None:
        _shut(self._listener)
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, self._upstream() as server:
            both = {client, server}
            for one in both:
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= both
            try:
                if self._relay(client, server) is End.RESET:
                    for one in both:
                        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            finally:
                self._open -= both

    def _parts(self, piece: bytes, *, dripping: bool) -> Iterator[bytes]:
        if not (dripping and self.drip):
            yield piece
            return
        for byte in piece:
            yield bytes([byte])
            time.sleep(self.drip)

    def _upstream(self) -> socket.socket:
        server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        server.settimeout(None)
        return server

    def _relay(self, client: socket.socket, server: socket.socket) -> End:
        """Forward until one side ends. One thread for both: a reset must have no other reader."""
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, (server, lambda: self.there))
            ready.register(server, selectors.EVENT_READ, (client, lambda: self.back))
            while True:
                for key, _ in ready.select():
                    sink, way = key.data
                    passed = _read(key.fileobj, way())  # type: ignore[arg-type]
                    for part in self._parts(passed.piece, dripping=sink is client):
                        sink.sendall(part)
                    if passed.end:
                        return passed.end


def _read(source: socket.socket, way: Way) -> Passed:
    try:
        piece = source.recv(PIECE)
    except ConnectionResetError:
        return Passed(b"", End.RESET)
    return way(piece) if piece else Passed(b"", End.CLOSED)


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
