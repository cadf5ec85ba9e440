"""The connections of ``requests``: watched while they send, strict while they receive."""

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

_LONGEST_HEAD = 256 * 1024
"""Bytes of all the lines of an answer: of its head, its chunks' sizes, its trailers."""


class _WholeLines(io.BufferedReader):
    """Lines, each of them whole, and not for ever.

    ``http.client`` takes a line that ends in the connection's end for one, and reads interim
    answers and trailers for as long as they come. Where they come faster than they are read, no
    read ever waits: under gevent nothing else in the process would run, the deadline included.
    """

    _left = _LONGEST_HEAD

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self._left -= len(line)
        if self._left < 0 or (not line.endswith(b"\n") and len(line) != size):
            raise IncompleteRead(line)
        return line


class _FinalResponse(HTTPResponse):
    """The final answer, with all of its headers.

    ``http.client`` takes headers that break off for complete, so a lost connection would look
    like an answer; and it takes an interim answer (102, 103) for the final one.
    """

    fp: io.BufferedReader

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp = _WholeLines(self.fp.detach())
        # Not every answer that is refused half-built is closed by those who refuse it.
        deadline.current().owns(self)

    def begin(self) -> None:
        super().begin()
        while 100 <= self.status < 200:
            self.headers = None  # type: ignore[assignment]  # its mark of not having begun
            super().begin()


class _Watched:
    """Tells the thread's attempt when the connection opens and when sending begins."""

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
    """A pool that keeps nothing, also where the server ignores ``Connection: close``.

    A kept connection may be dead without our knowing, and the request lost on it could not be
    sent again. A fresh one fails before anything is sent.
    """

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.close()


class _PlainPool(_Once, HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _SecurePool(_Once, HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


class WatchedAdapter(HTTPAdapter):
    """The adapter of ``requests`` without its session.

    Down here there is no ``.netrc``, no proxy variable, no cookie and no redirect, and the
    default is never to try again.
    """

    def __init__(self) -> None:
        # Reading all authorities takes 29 ms of CPU (measured): once, not for every call.
        self._trust = ssl.create_default_context(cafile=certifi.where())
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._trust, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Leave the connection to the context above: it verifies, always."""
