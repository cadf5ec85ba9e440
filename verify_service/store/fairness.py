"""First come, first served for connections.

The queue of ``redis-py``'s blocking pool wakes the one who has waited longest, but whoever runs
first takes the connection. Measured with 64 checks at a time over two processes of 4 connections:
one check in 25 had waited for more than half a second, though the median was 30 ms.
"""

from __future__ import annotations

import threading
from collections import deque
from queue import Empty, Full
from typing import Any


class Standstill(Empty):
    """Nothing moved while one waited, or the line was dissolved: there is none for anybody."""


class _Waiter:
    def __init__(self, given: int) -> None:
        self.served = threading.Event()
        self.item: Any = None
        self.sent_away = False
        self.given = given


class FairQueue:
    """A stack that hands each item to the longest waiting, never past them.

    It has as much of ``queue.LifoQueue`` as the pool uses. It is no subclass: gevent puts a
    class of its own in that one's place.

    Args:
        maxsize: How many items are kept at most.
    """

    def __init__(self, maxsize: int) -> None:
        self.queue: list[Any] = []
        self._maxsize = maxsize
        self._lock = threading.Lock()
        self._line: deque[_Waiter] = deque()
        self._given = 0

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Return the item put last, or wait in line for the next.

        Raises:
            Empty: None came within ``timeout`` seconds.
            Standstill: Nor did any for those ahead, or the line was dissolved.
        """
        with self._lock:
            if self.queue:
                return self.queue.pop()
            if not block:
                raise Empty
            waiter = _Waiter(self._given)
            self._line.append(waiter)
        try:
            waiter.served.wait(timeout)
        except BaseException:  # killed while waiting: what was meant for it goes to the next
            with self._lock:
                if not waiter.served.is_set():
                    self._line.remove(waiter)
                elif not waiter.sent_away:
                    self._give(waiter.item)
            raise
        with self._lock:
            if not waiter.served.is_set():
                self._line.remove(waiter)
                raise Empty if self._given > waiter.given else Standstill
        if waiter.sent_away:
            raise Standstill
        return waiter.item

    def dissolve(self) -> None:
        """Send away everybody who waits: what they wait for is of no use."""
        with self._lock:
            while self._line:
                waiter = self._line.popleft()
                waiter.sent_away = True
                waiter.served.set()

    def put_nowait(self, item: Any) -> None:
        """Give ``item`` to the head of the line; without a line, keep it.

        Raises:
            Full: More would be kept than there may be.
        """
        with self._lock:
            self._give(item)

    def _give(self, item: Any) -> None:
        self._given += 1
        if self._line:
            waiter = self._line.popleft()
            waiter.item = item
            waiter.served.set()
        elif len(self.queue) >= self._maxsize:
            raise Full
        else:
            self.queue.append(item)
