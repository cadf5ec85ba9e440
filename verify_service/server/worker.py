"""The gunicorn worker: greenlets, wall clocks over each request, and errors in JSON."""

from __future__ import annotations

import contextlib
import json
import socket

import gevent
from gunicorn import util
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from gunicorn.workers.ggevent import GeventWorker

from verify_service.domain.ids import request_id
from verify_service.server.request_clock import RequestClock

REQUEST_ID = "X-REQUEST-ID"
"""As gunicorn spells it."""
UNREADABLE = {
    "status": "invalidSchemeError",
    "reason": "malformed",
    "errorCode": 10,
    "errorReason": "Invalid request. This is no proper HTTP request.",
}
BUG = {"status": "internalError", "reason": "bug", "errorReason": "A bug of the server."}
TOO_LONG = BUG | {
    "errorReason": "This request took too long. Retry with the same Idempotency-Key: what was "
    "done is returned."
}
POLL_SECONDS = 0.1
"""Pause between two looks at ``alive`` while the process serves, and at idle connections after."""


class Worker(GeventWorker):
    """One process. ``config/gunicorn.conf.py`` sets the durations.

    Attributes:
        reading_seconds: The longest that a request's body may take to arrive.
        working_seconds: The longest that a request may take otherwise.
        idle_seconds: How long idle connections stay open after SIGTERM.
        lingering_seconds: How long a client may take to close a connection after its last answer.
        lingering_bytes: How much is read of that client meanwhile.
    """

    reading_seconds: float
    working_seconds: float
    idle_seconds: float
    lingering_seconds: float
    lingering_bytes: int

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._idle: set[socket.socket] = set()
        self._clocks: set[RequestClock] = set()

    def run(self) -> None:
        """Serve until SIGTERM, and then close the idle connections.

        gunicorn waits for clients to close them, up to ``keepalive`` seconds.
        """
        gevent.spawn(self._close_idle_connections)
        super().run()

    def handle(self, listener: socket.socket, client: socket.socket, addr: object) -> None:
        """Serve one connection. It is idle while the service waits for a request."""
        self._idle.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self._idle.discard(client)

    def handle_request(
        self, listener_name: object, req: Request, client: socket.socket, addr: object
    ) -> None:
        """Serve one request.

        Raises:
            gevent.Timeout: After ``working_seconds``.
        """
        self._idle.discard(client)
        _set_request_id(req)
        clock = RequestClock(req, self.reading_seconds, self.working_seconds)
        self._clocks.add(clock)
        try:
            with clock.running():
                super().handle_request(listener_name, req, client, addr)
        except StopIteration:
            self._close(client)
            raise
        finally:
            self._clocks.discard(clock)
        self._idle.add(client)

    def handle_error(
        self, req: Request | None, client: socket.socket, _addr: object, exc: BaseException
    ) -> None:
        """Log and answer a request that is not HTTP, that took too long, or that met a bug.

        gunicorn's own warning and page quote the request, and a key may stand in it.
        """
        own_id = _request_id(req)
        self.log.warning("Request %s failed: %s", own_id, type(exc).__name__)
        with contextlib.suppress(OSError):
            client.sendall(_error_response(own_id, exc))
        self._close(client)

    def _close(self, client: socket.socket) -> None:
        """Close a connection after its last answer, as RFC 9112 section 9.6 describes.

        If bytes of the client are unread or arrive later, closing at once resets the connection,
        and the client may lose the answer. So the service sends nothing more, and reads until the
        client closes.
        """
        self._idle.discard(client)
        util.close_graceful(client, self.lingering_seconds, self.lingering_bytes)

    def _close_idle_connections(self) -> None:
        while self.alive:
            gevent.sleep(POLL_SECONDS)
        gevent.sleep(self.idle_seconds)
        while True:
            for client in tuple(self._idle):
                with contextlib.suppress(OSError):
                    _end_reading(client)
            for clock in tuple(self._clocks):
                clock.end_reading()
            gevent.sleep(POLL_SECONDS)


def _end_reading(client: socket.socket) -> None:
    """End reading alone: a request that has already arrived is still answered.

    Through a copy, because gevent's shutdown raises an error while a greenlet waits for it. The
    copy is of the descriptor: a socket with TLS cannot be copied.
    """
    with socket.fromfd(client.fileno(), client.family, client.type) as copy:
        copy.shutdown(socket.SHUT_RD)


def _request_id(req: Request | None) -> str:
    """Return the caller's X-Request-ID if there is one and it is valid, else a new one."""
    given = [value for name, value in req.headers if name == REQUEST_ID] if req else []
    return request_id(given[0] if len(given) == 1 else None)


def _set_request_id(req: Request) -> None:
    """Give a request one valid id: the application and an error of this worker use the same."""
    own_id = _request_id(req)
    req.headers[:] = [pair for pair in req.headers if pair[0] != REQUEST_ID]
    req.headers.append((REQUEST_ID, own_id))


def _error_response(own_id: str, error: BaseException) -> bytes:
    client_error = isinstance(error, ParseException)
    status = "400 Bad Request" if client_error else "500 Internal Server Error"
    late = TOO_LONG if isinstance(error, gevent.Timeout) else BUG
    body = json.dumps(UNREADABLE if client_error else late)
    return (
        f"HTTP/1.1 {status}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Request-ID: {own_id}\r\nConnection: close\r\n\r\n{body}"
    ).encode()
