"""Two wall clocks for one request: one while its body arrives, one for everything else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from gunicorn.http.body import LengthReader
from gunicorn.http.message import Request


class RequestClock:
    """Takes the place of the body's reader while the application works.

    With one clock for both, a body that takes long to arrive would leave too little time for the
    work: the request would be ended after its call was placed.
    """

    def __init__(self, req: Request, reading_seconds: float, working_seconds: float) -> None:
        self._request = req
        self._reader = req.body.reader
        self._reading_seconds = reading_seconds
        self._working_seconds = working_seconds
        self._waiting: gevent.Greenlet | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the clock of the work, and that of the body whenever the application reads it.

        Raises:
            gevent.Timeout: The work took too long.
        """
        self._reading_ends = time.monotonic() + self._reading_seconds
        self._working = gevent.Timeout.start_new(self._working_seconds)
        self._request.body.reader = self
        try:
            yield
        finally:
            self._request.body.reader = self._reader
            self._working.close()

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes of the body, as the server's own reader does.

        Raises:
            TimeoutError: The body did not arrive in time. An application can catch it.
            ConnectionAbortedError: ``end_reading`` was called.
        """
        if self._has_arrived(size):
            return bytes(self._reader.read(size))
        self._working.close()
        try:
            return self._read(size)
        finally:
            self._working = gevent.Timeout.start_new(self._working_seconds)

    def _has_arrived(self, size: int) -> bool:
        """Return whether the bytes are here already: a short body comes with its headers."""
        if not isinstance(self._reader, LengthReader):
            return False
        held: int = self._reader.unreader.buf.getbuffer().nbytes
        return held >= min(size, int(self._reader.length))

    def end_reading(self) -> None:
        """End the application's wait for the body, if it waits, and leave the connection open.

        If the socket were shut down for reading, the rest of the body would reset the connection.
        """
        gevent.get_hub().loop.run_callback(self._end_reading)

    def _end_reading(self) -> None:
        # While the hub runs this, a greenlet that has not left `_read` waits there.
        if self._waiting:
            self._waiting.throw(ConnectionAbortedError)

    def _read(self, size: int) -> bytes:
        left = max(0.0, self._reading_ends - time.monotonic())
        self._waiting = gevent.getcurrent()
        try:
            with gevent.Timeout(left, TimeoutError):
                return bytes(self._reader.read(size))
        except Exception:
            # Where the next request begins is unknown.
            self._request.force_close()
            raise
        finally:
            self._waiting = None
