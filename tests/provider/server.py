"""A provider for these tests: it reads a request from a real socket and follows a script.

A test spells out the bytes that it writes, so that they can be as wrong as on a network.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

PATIENCE = 5.0
"""Seconds after which a thread of the server stops waiting."""


@dataclass(frozen=True)
class Received:
    """One complete request."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Return every value of a header, in the order of arrival."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(frozen=True)
class Peer:
    """A connection, as a step of the script sees it."""

    socket: socket.socket
    over: threading.Event
    """Set when the server ends."""


Step = Callable[[Peer], None]


def send(data: bytes) -> Step:
    """Write all of it, if the other end still reads."""

    def step(peer: Peer) -> None:
        with contextlib.suppress(OSError):
            peer.socket.sendall(data)

    return step


def drip(data: bytes, pause: float = 0.02) -> Step:
    """Write a byte, wait, write the next. A timeout for each read never ends this."""

    def step(peer: Peer) -> None:
        with contextlib.suppress(OSError):
            for byte in data:
                peer.socket.sendall(bytes([byte]))
                if peer.over.wait(pause):
                    return

    return step


def flood(head: bytes, data: bytes) -> Step:
    """Write without end, for as long as the other end reads."""

    def step(peer: Peer) -> None:
        with contextlib.suppress(OSError):
            peer.socket.sendall(head)
            while not peer.over.is_set():
                peer.socket.sendall(data)

    return step


def hang(peer: Peer) -> None:
    """Send nothing until the other end closes or the server ends."""
    with contextlib.suppress(OSError):
        peer.socket.settimeout(0.01)
        while not peer.over.is_set():
            with contextlib.suppress(TimeoutError):
                if not peer.socket.recv(1024):
                    return


def reset(peer: Peer) -> None:
    """Abort the connection with an RST."""
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reply(status: int, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """Return an answer with its Content-Length, which a test may falsify."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} Said so", f"Content-Length: {size}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


class HungUp(Exception):
    """Ends a connection although others are kept."""


def hang_up(peer: Peer) -> None:
    """Close this connection, which the other end may keep."""
    raise HungUp


def turns(*scripts: list[Step]) -> Step:
    """Follow the first script for the first request, the second one for the second."""
    coming = iter(scripts)

    def step(peer: Peer) -> None:
        for each in next(coming):
            each(peer)

    return step


class Server:
    """Listens on a free port of loopback for as long as its ``with`` block lasts.

    Args:
        script: What every connection does once its request has arrived; then it is closed.
        tls: Speak TLS.
        gate: What a connection waits for before it reads, or shakes hands.
        reads: Whether a request is read before the script runs.
        keep_alive: Wait for further requests instead of closing.
    """

    def __init__(
        self,
        *script: Step,
        tls: ssl.SSLContext | None = None,
        gate: threading.Event | None = None,
        reads: bool = True,
        keep_alive: bool = False,
    ) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self.open = 0
        self._script = script
        self._tls = tls
        self._gate = gate
        self._reads = reads
        self._keep_alive = keep_alive
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._farewell: tuple[str, int] | None = None
        self._idle: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, once every earlier connection has been served."""
        with socket.socket() as last:
            last.bind(("127.0.0.1", 0))
            self._farewell = last.getsockname()
            last.connect(("127.0.0.1", self.port))
            self._threads[0].join(PATIENCE)
        self._listener.close()
        self._over.set()
        self.end_idle()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a thread of the server did not end"

    def end_idle(self, how: Step = lambda _: None) -> None:
        """Close the connections that wait for another request."""
        for connection in tuple(self._idle):
            with contextlib.suppress(OSError):
                how(Peer(connection, self._over))
                connection.shutdown(socket.SHUT_RD)

    def _accept(self) -> None:
        while True:
            connection, address = self._listener.accept()
            if address == self._farewell:
                connection.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        self.open += 1
        if self._gate is not None:
            self._gate.wait(PATIENCE)
        with contextlib.ExitStack() as stack:
            stack.callback(self._closed)
            stack.enter_context(connection)
            if self._tls is not None:
                try:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                except OSError:
                    return  # the other end refused the handshake
                stack.enter_context(connection)
            with contextlib.suppress(HungUp):
                self._converse(Peer(connection, self._over))

    def _closed(self) -> None:
        self.open -= 1

    def _converse(self, peer: Peer) -> None:
        while True:
            if self._reads:
                request = _receive(peer.socket)
                if request is None:
                    return
                self.requests.append(request)
            for step in self._script:
                step(peer)
            if not self._keep_alive:
                return
            self._idle.add(peer.socket)
            if self._over.is_set():
                return


def _receive(connection: socket.socket) -> Received | None:
    """Read one request. Return None if it is malformed, or the other end closes before it is
    complete."""
    with contextlib.suppress(OSError, ValueError), connection.makefile("rb") as stream:
        method, target, _ = stream.readline().decode("latin-1").split(" ", 2)
        headers = []
        while line := stream.readline().decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(": ")
            headers.append((name, value))
        size = int(dict(headers)["Content-Length"])
        body = stream.read(size)
        return Received(method, target, headers, body) if len(body) == size else None
    return None
