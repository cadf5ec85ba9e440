"""Which phones there are: those whose page is open somewhere, to the moment."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from verify_service.sandbox.leaving import has_left


class Presence:
    """The connections on which pages listen, by the name of their phone."""

    def __init__(self) -> None:
        self._listening: dict[str, list[socket.socket]] = {}
        self._lock = Lock()

    @contextmanager
    def listening(self, name: str, connection: socket.socket) -> Iterator[None]:
        """Counts a page in for as long as the block takes."""
        with self._lock:
            self._listening.setdefault(name, []).append(connection)
        try:
            yield
        finally:
            with self._lock:
                self._listening[name].remove(connection)

    def anybody(self, name: str) -> bool:
        """Whether a page of this phone is open.

        Asks the connections themselves: a page that was just closed takes no call any more.
        """
        with self._lock:
            return any(is_open(each) for each in self._listening.get(name, ()))


def is_open(connection: socket.socket) -> bool:
    """Whether the other end is still there."""
    try:
        return not has_left(connection)
    except (OSError, ValueError):
        return False
