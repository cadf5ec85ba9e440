"""The few connections of a process, first come, first served.

``redis-py``'s blocking pool wakes the caller that has waited longest, but whichever runs first
takes the connection. Measured with 64 checks at a time over two processes of 4 connections: one
check in 25 had waited for more than half a second, though the median was 30 ms.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from verify_service.store.connection.redis_errors import NoConnectionFree, NothingAnswers


class Connection(Protocol):
    """As much of ``redis.Connection`` as an exchange needs."""

    deadline: float
    """Moment of the monotonic clock at which the exchange ends."""

    @property
    def host(self) -> str: ...
    def pack_commands(self, commands: Iterable[Sequence[Any]]) -> list[bytes]: ...
    def send_packed_command(self, command: list[bytes]) -> object: ...
    def read_response(self) -> Any: ...
    def disconnect(self) -> object: ...


class _Waiter:
    """A caller in line for a connection."""

    def __init__(self, handed_out: int) -> None:
        self.served = threading.Event()
        self.connection: Connection | None = None
        self.handed_out = handed_out


class Pool:
    """Hands out connections, the one that was used last first.

    Args:
        open_connection: Returns a connection that connects when it is used.
        size: How many there are at most.
    """

    def __init__(self, open_connection: Callable[[], Connection], size: int) -> None:
        self.size = size
        self._open_connection = open_connection
        self._begin()
        begin = weakref.WeakMethod(self._begin)
        # Two processes on one connection would read each other's replies.
        os.register_at_fork(after_in_child=lambda: _call(begin()))

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Connection] = []
        self._idle: list[Connection] = []
        self._line: deque[_Waiter] = deque()
        self._handed_out = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many callers are in line."""
        return len(self._line)

    def acquire(self, until: float) -> Connection:
        """Return a connection; without a free one, wait in line for the next.

        Args:
            until: Moment of the monotonic clock at which waiting ends.

        Raises:
            NoConnectionFree: None came free in time, though others got one.
            NothingAnswers: None came free for the callers ahead either, or the line was dissolved.
        """
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if len(self._all) < self.size:
                self._all.append(self._open_connection())
                return self._all[-1]
            waiter = _Waiter(self._handed_out)
            self._line.append(waiter)
        try:
            waiter.served.wait(max(0.0, until - time.monotonic()))
        except BaseException:  # the caller was ended while it waited: the next one gets it
            self._give_up(waiter)
            raise
        return self._take(waiter)

    def _take(self, waiter: _Waiter) -> Connection:
        with self._lock:
            if waiter.connection is not None:
                return waiter.connection
            if waiter in self._line:
                self._line.remove(waiter)
                if self._handed_out > waiter.handed_out:
                    raise NoConnectionFree("No connection came free in time")
        raise NothingAnswers("No caller in line got a connection that works")

    def _give_up(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter in self._line:
                self._line.remove(waiter)
            elif waiter.connection is not None:
                self._hand_on(waiter.connection)

    def release(self, connection: Connection) -> None:
        """Take a connection back: for the first in line, or to keep."""
        with self._lock:
            self._hand_on(connection)

    def _hand_on(self, connection: Connection) -> None:
        self._handed_out += 1
        if self._closed:
            connection.disconnect()
        if self._line:
            waiter = self._line.popleft()
            waiter.connection = connection
            waiter.served.set()
        else:
            self._idle.append(connection)

    def dissolve(self) -> None:
        """End every wait in line: the connections waited for do not work."""
        with self._lock:
            while self._line:
                self._line.popleft().served.set()

    def disconnect_idle(self) -> None:
        """Close the connections that are not in use: they lead to a server that is to be left."""
        with self._lock:
            idle = tuple(self._idle)
            for connection in idle:
                connection.disconnect()

    def close(self) -> None:
        """Close every connection, those in use when they come back."""
        self._closed = True
        self.disconnect_idle()


def _call(begin: Callable[[], None] | None) -> None:
    """Call it, where its pool is still there."""
    if begin:
        begin()
