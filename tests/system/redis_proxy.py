"""A proxy between the service and Redis: it records every command, and fails on demand."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

SETTING_UP = (b"AUTH", b"CLIENT", b"HELLO", b"SELECT")
"""Commands that begin a connection. The faults are for later commands."""
Fault = Callable[[list[bytes]], bytes]
"""Makes the reply to a command; an empty one closes the connection."""


def error(prefix: str) -> Fault:
    """An error that quotes the whole command, as servers and proxies sometimes do."""
    return lambda command: b"-" + prefix.encode() + b" " + _quoted(command) + b"\r\n"


def lost(_: list[bytes]) -> bytes:
    """The connection breaks."""
    return b""


def no_reply_of_redis(command: list[bytes]) -> bytes:
    """Bytes that are not Redis' protocol."""
    return b"HTTP/1.1 400 Bad Request " + _quoted(command) + b"\r\n"


def nonsense(command: list[bytes]) -> bytes:
    """A reply of the right form with the command's own arguments in it."""
    return _array([b"$%d\r\n%b\r\n" % (len(word), word) for word in command])


def hidden_error(command: list[bytes]) -> bytes:
    """An error inside a reply."""
    return _array([error("ERR")(command)] * 8)


def _array(items: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(items) + b"".join(items)


def _quoted(command: list[bytes]) -> bytes:
    return b" ".join(b"'%b'" % b" ".join(word.split()) for word in command)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


class RedisProxy:
    """Listens on a free port of loopback and forwards to ``port``."""

    def __init__(self, port: int) -> None:
        self.commands: list[list[bytes]] = []
        self.hits = 0
        self._target = ("127.0.0.1", port)
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._skip = 0
        self._lost = 0
        self._server = Server(("127.0.0.1", 0), _handler(self))
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @contextlib.contextmanager
    def broken(self, fault: Fault, skip: int = 0) -> Iterator[None]:
        """Forward ``skip`` commands, then give all others this reply. At least one must follow."""
        with self._lock:
            self._fault, self._skip, self.hits = fault, skip, 0
        try:
            yield
        finally:
            self._fault = None
        assert self.hits, "nothing came that could have been answered with the fault"

    @contextlib.contextmanager
    def losing(self, times: int = 1) -> Iterator[None]:
        """Execute ``times`` commands, and close the connection instead of the reply."""
        with self._lock:
            self._lost = times
        try:
            yield
        finally:
            with self._lock:
                left, self._lost = self._lost, 0
        assert left == 0, "fewer commands came than were to lose their reply"

    def converse(self, client: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(socket.create_connection(self._target))
            commands = stack.enter_context(client.makefile("rb"))
            replies = stack.enter_context(upstream.makefile("rb"))
            while command := _command(commands):
                reply = self._faulty(command)
                if reply is None and command[0] == b"AUTH":
                    reply = b"+OK\r\n"
                if reply is None:
                    upstream.sendall(nonsense(command))
                    reply = _reply(replies)
                    if self._loses(command):
                        return
                if not reply:
                    return
                client.sendall(reply)

    def _loses(self, command: list[bytes]) -> bool:
        with self._lock:
            if self._lost == 0 or command[0] in SETTING_UP:
                return False
            self._lost -= 1
            return True

    def _faulty(self, command: list[bytes]) -> bytes | None:
        with self._lock:
            self.commands.append(command)
            if self._fault is None or command[0] in SETTING_UP:
                return None
            self._skip -= 1
            if self._skip >= 0:
                return None
            self.hits += 1
            return self._fault(command)


def _handler(proxy: RedisProxy) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                proxy.converse(self.request)

    return Handler


def _command(stream: BinaryIO) -> list[bytes]:
    count = stream.readline()[1:]
    return [stream.read(int(stream.readline()[1:]) + 2)[:-2] for _ in range(int(count or 0))]


def _reply(stream: BinaryIO) -> bytes:
    line = stream.readline()
    kind, size = line[:1], line[1:-2]
    if kind == b"$" and int(size) >= 0:
        return line + stream.read(int(size) + 2)
    if kind == b"*":
        return line + b"".join(_reply(stream) for _ in range(int(size)))
    return line
