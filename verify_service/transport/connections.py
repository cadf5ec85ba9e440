"""The connections under ``requests``: they record when sending begins, and read strictly."""

from __future__ import annotations

import io
import socket
import ssl
from http.client import HTTPResponse, IncompleteRead
from typing import Any

import certifi
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from verify_service.transport import deadline

MAX_LINES_BYTES = 256 * 1024
"""Of all lines of a response: the head, the sizes of chunks and the trailers."""


class _WholeLines(io.BufferedReader):
    """Reads whole lines, up to a total length.

    ``http.client`` accepts a line that is cut off by the end of the connection, and reads interim
    responses and trailers without a limit. If they arrive faster than they are read, no read ever
    waits, and under gevent nothing else in the process runs, not even the deadline.
    """

    _left = MAX_LINES_BYTES

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self._left -= len(line)
        if self._left < 0 or (not line.endswith(b"\n") and len(line) != size):
            raise IncompleteRead(line)
        return line


class _FinalResponse(HTTPResponse):
    """The final response, with all of its headers.

    ``http.client`` takes truncated headers for complete ones, so that a lost connection would look
    like a response, and it takes an interim response (102, 103) for the final one.
    """

    fp: io.BufferedReader

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp = _WholeLines(self.fp.detach())
        # http.client does not close every response that it rejects.
        deadline.current().owns(self)

    def begin(self) -> None:
        super().begin()
        while 100 <= self.status < 200:
            self.headers = None  # type: ignore[assignment]  # makes http.client read the next status line
            super().begin()


class _Watched:
    """Reports to the attempt of this thread when it connects and when sending begins."""

    response_class: type[HTTPResponse] = _FinalResponse
    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        connection: socket.socket = super()._new_conn()  # type: ignore[misc]
        try:
            deadline.current().opened(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        deadline.current().sending()
        super().send(data)  # type: ignore[misc]


class _WatchedHTTP(_Watched, HTTPConnection):
    pass


class _WatchedHTTPS(_Watched, HTTPSConnection):
    pass


class _Once:
    """A pool that keeps no connection, also if the server ignores ``Connection: close``.

    A kept connection may be closed without our knowledge, and a request that is lost on it could
    not be sent again. A new connection fails before anything is sent.
    """

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.close()


class _PlainPool(_Once, HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _SecurePool(_Once, HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


class WatchedAdapter(HTTPAdapter):
    """An adapter of ``requests``, used without a session.

    Without a session there is no ``.netrc``, no proxy variable, no cookie, no redirect and no
    retry.
    """

    def __init__(self) -> None:
        # Loading the certificate authorities takes 29 ms of CPU (measured), so it is done once.
        self._trust = ssl.create_default_context(cafile=certifi.where())
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._trust, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Do nothing: the context above always verifies."""
