"""The few connections of a process, and the line of those who wait for one."""

from __future__ import annotations

from contextlib import suppress
from queue import Empty
from typing import Any

import redis
from redis.exceptions import ReadOnlyError

from verify_service.store.fairness import FairQueue, Standstill

IN_LINE = 1.5
"""Seconds to wait for a free connection while Redis answers: a burst is worked off, not refused.
With REDIS_TIMEOUT (0.5) for the reply that makes two, within which a start or a check has its
answer or its 503. Four connections to a Redis 1 ms away work off some thousand exchanges
meanwhile; a Redis that cannot is overloaded, and a line any longer would only hide it."""
IN_VAIN = "Nobody in line got a connection that works"


class Leaving:
    """A connection to be left once its server says that it is read-only.

    A managed Redis fails over behind one name: the old master goes on answering, READONLY to every
    write, and only who connects anew gets to the new one.
    """

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Read a reply; after this one the pool breaks off."""
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc]
        except ReadOnlyError:
            self.mark_for_reconnect()  # type: ignore[attr-defined]
            raise


class PlainConnection(Leaving, redis.Connection):
    """In the clear."""


class SecureConnection(Leaving, redis.SSLConnection):
    """Over TLS."""


class SocketConnection(Leaving, redis.UnixDomainSocketConnection):
    """Through a file."""


class FairPool(redis.BlockingConnectionPool):
    """A pool whose line is fair, and dissolves as soon as its head finds that Redis is gone.

    Otherwise each in the line would find out for itself, one time-out after the other.
    """

    pool: FairQueue

    def get_connection(self, *args: Any, **options: Any) -> Any:
        """Take a connection, or stand in line for one.

        Raises:
            redis.ConnectionError: None came free in time, or none that works.
        """
        try:
            return super().get_connection(*args, **options)  # type: ignore[no-untyped-call]
        except redis.ConnectionError as error:
            if isinstance(error.__context__, Standstill):
                raise redis.ConnectionError(IN_VAIN) from None
            raise

    def release(self, connection: Any) -> None:
        """Give a connection back. One that broke off says that waiting for another is in vain."""
        broken, left = not connection.is_connected, connection.should_reconnect()
        super().release(connection)  # type: ignore[no-untyped-call]
        if broken:
            self.pool.dissolve()
        elif left:
            self._leave()

    def _leave(self) -> None:
        """Break off the others that nobody uses: they lead to the same server."""
        idle: list[Any] = []
        with suppress(Empty):
            while True:
                idle.append(self.pool.get(block=False))
        for connection in idle:
            if connection is not None:
                connection.disconnect()
            self.pool.put_nowait(connection)
