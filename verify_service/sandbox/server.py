"""Serves a simulator: one process, one thread for each request, the development server."""

import selectors
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler

# The key in `app.extensions` of the function that ends all waiting when the server closes.
STOP = "sandbox.stop"
# The key in a request's environment of the functions that run after its connection is closed.
# WSGI's close() is not enough: the development server does not call it where the client resets the
# connection, and that is when the callback of a lost answer is due.
AFTERWARDS = "sandbox.afterwards"


class _Handler(WSGIRequestHandler):
    """Speaks HTTP/1.1 and writes no access log: a query argument can contain the token."""

    protocol_version = "HTTP/1.1"
    # Seconds for a client to send or receive.
    timeout = 60

    def log(self, kind: str, message: str, *args: Any) -> None:
        """Write nothing: the endpoint logs each call."""

    def setup(self) -> None:
        super().setup()
        self._afterwards: list[Callable[[], None]] = []

    def make_environ(self) -> dict[str, Any]:
        return super().make_environ() | {AFTERWARDS: self._afterwards}

    def connection_dropped(self, *_: Any, **__: Any) -> None:
        """Close the connection of an answer that the client or a fault has ended."""
        self.close_connection = True

    def finish(self) -> None:
        """Close the connection before the server shuts it down, so that it can be reset."""
        super().finish()
        self.connection.close()
        for act in self._afterwards:
            act()


class _Server(ThreadedWSGIServer):
    def server_close(self) -> None:
        super().server_close()
        if isinstance(self.app, Flask) and STOP in self.app.extensions:
            self.app.extensions[STOP]()


def bind(app: Flask, host: str, port: int) -> BaseWSGIServer:
    """Return a server that listens; port 0 selects a free one. `serve_forever` starts it.

    Raises:
        SystemExit: The address is not available; the reason is on stderr.
    """
    return _Server(host, port, app, _Handler)


def base_url(server: BaseWSGIServer) -> str:
    """Return the base URL for clients of the provider."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"http://{host}:{server.port}/api"


def is_connected(connection: socket.socket) -> bool:
    """Return whether the other end of a connection has not closed or reset it."""
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            return not selector.select(0) or bool(connection.recv(1, socket.MSG_PEEK))
    except (OSError, ValueError):
        return False


@contextmanager
def quiet_end() -> Iterator[None]:
    """End the block without output on SIGTERM and Ctrl-C. Only for the main thread."""
    with suppress(KeyboardInterrupt):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end)
        yield


def _end(_number: int, _frame: FrameType | None) -> None:
    # A parent's SIGTERM often follows a terminal's Ctrl-C. The second signal is ignored.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt
