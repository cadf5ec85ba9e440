"""A wire that breaks on command: between the service and a server that knows nothing of it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PIECE = 65_536
Way = Callable[[bytes], bytes | None]
"""What becomes of a piece: what is passed on of it, or None to break the connection."""


def whole(piece: bytes) -> bytes:
    return piece


def nothing(_: bytes) -> bytes:
    """A black hole: the connection stands, and nothing comes through."""
    return b""


def cut(_: bytes) -> None:
    return None


def late(seconds: float) -> Way:
    def wait(piece: bytes) -> bytes:
        time.sleep(seconds)
        return piece

    return wait


class TcpProxy:
    """Listens on a free port of loopback, and passes on to ``target``, whoever that is by then.

    ``there`` and ``back`` say what becomes of what goes to the server and of what comes from it.
    """

    def __init__(self, target: int = 0) -> None:
        self.target = target
        self.there: Way = whole
        self.back: Way = whole
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def with_ways(self, there: Way = whole, back: Way = whole) -> Iterator[None]:
        self.there, self.back = there, back
        try:
            yield
        finally:
            self.there, self.back = whole, whole

    def every(self, turn: int, way: Way) -> Way:
        """Let all pieces pass but each so many-th, which goes this way."""
        lock, count = threading.Lock(), 0

        def choose(piece: bytes) -> bytes | None:
            nonlocal count
            with lock:
                count += 1
                chosen = count % turn == 0
            return way(piece) if chosen else piece

        return choose

    def drop_all(self) -> None:
        """Break every connection that stands."""
        for one in tuple(self._open):
            _end(one)

    def close(self) -> None:
        _end(self._listener)
        self._listener.close()
        self.drop_all()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, self._upstream() as server:
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.add(one)
            answers = (server, client, lambda: self.back)
            back = threading.Thread(target=self._pass, args=answers, daemon=True)
            back.start()
            self._pass(client, server, lambda: self.there)
            back.join()

    def _upstream(self) -> socket.socket:
        server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        server.settimeout(None)
        return server

    def _pass(self, source: socket.socket, sink: socket.socket, way: Callable[[], Way]) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                passed = way()(piece)
                if passed is None:
                    break
                sink.sendall(passed)
        # Whichever side ended, the other one hears of it.
        _end(source)
        _end(sink)
        self._open -= {source, sink}


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
