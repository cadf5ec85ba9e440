"""Serves a simulator: one process, a thread for each request, nothing to install."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler

from verify_service.sandbox.app import STOP
from verify_service.sandbox.exchange import AFTERWARDS


class _Handler(WSGIRequestHandler):
    """Speaks HTTP/1.1 and keeps no access log: a query argument may hold the token."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    """Seconds for a client to send or take something; whoever does neither is let go."""

    def log(self, kind: str, message: str, *args: Any) -> None:
        """Nothing: the simulator itself says in words what each call came to."""

    def setup(self) -> None:
        super().setup()
        self._afterwards: list[Callable[[], None]] = []

    def make_environ(self) -> dict[str, Any]:
        return super().make_environ() | {AFTERWARDS: self._afterwards}

    def connection_dropped(self, *_: Any, **__: Any) -> None:
        """An answer that broke off, by the client's will or by ours, ends the connection."""
        self.close_connection = True

    def finish(self) -> None:
        """Closes the connection before the server says a polite goodbye: a reset comes first."""
        super().finish()
        self.connection.close()
        for act in self._afterwards:
            act()


class _Server(ThreadedWSGIServer):
    """Ends what waits when it ends itself: nobody else would."""

    def server_close(self) -> None:
        super().server_close()
        if isinstance(self.app, Flask) and STOP in self.app.extensions:
            self.app.extensions[STOP]()


def bind(app: Flask, host: str, port: int) -> BaseWSGIServer:
    """A server that listens, port 0 for any free one; `serve_forever` makes it answer.

    Raises:
        SystemExit: the address cannot be had; the reason is on stderr.
    """
    return _Server(host, port, app, _Handler)


def base_url(server: BaseWSGIServer) -> str:
    """What a client of the provider takes for its base URL."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"http://{host}:{server.port}/api"


@contextmanager
def quiet_end() -> Iterator[None]:
    """SIGTERM and Ctrl-C end the block, and nothing more is said. Only for the main thread."""
    with suppress(KeyboardInterrupt):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end)
        yield


def _end(_number: int, _frame: FrameType | None) -> None:
    # A terminal's Ctrl-C is often followed by a parent's SIGTERM: the second one changes nothing.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt
