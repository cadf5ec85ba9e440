"""A wall clock over one whole HTTP exchange: resolver, connect, TLS, headers and body.

The timeouts of ``requests`` are per read: a server that drips a byte a second is never late. So
an exchange runs in a thread of its own, and its caller waits no longer than the deadline. What
matters then is one fact: had sending begun? The lock in :class:`Attempt` decides it once, so an
exchange given up before that can never be sent afterwards.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from urllib3.exceptions import HTTPError

Answer = TypeVar("Answer")
_thread = threading.local()


class SupportsClose(Protocol):
    """What holds a descriptor."""

    def close(self) -> object: ...


class NeverSent(Exception):
    """Not a byte of the request left: nothing can have happened at the other end."""


class MayHaveArrived(Exception):
    """Sending had begun and no whole answer came back: the request may have been obeyed."""


_LOST = (NeverSent, OSError, HTTPError)
"""What an exchange that broke off raises: the errors of sockets and ``requests`` are OSErrors,
those of ``urllib3`` are not."""


class Attempt(Generic[Answer]):
    """One exchange, as its thread and its waiting caller both see it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._open = contextlib.ExitStack()
        self._socket: socket.socket | None = None
        self._abandoned = False
        self._sent = False
        self._answer: Answer
        self._error: BaseException | None = None

    def opened(self, connection: socket.socket) -> None:
        """Remember how to cut the connection. A duplicate, since TLS takes the socket over."""
        with self._lock:
            if self._abandoned:
                raise NeverSent
            self._socket = self._open.enter_context(connection.dup())

    def owns(self, thing: SupportsClose) -> None:
        """Close it when the exchange is over, whatever becomes of whoever should have."""
        self._open.callback(thing.close)

    def sending(self) -> None:
        """Note that the request is leaving; raise NeverSent if the caller has given up."""
        with self._lock:
            if self._abandoned:
                raise NeverSent
            self._sent = True

    def run(self, exchange: Callable[[], Answer], finished: Callable[[], None]) -> None:
        """Run the exchange; the thread's whole life."""
        _thread.attempt = self
        try:
            try:
                self._answer = exchange()
            finally:
                with self._lock:
                    self._open.close()
        except BaseException as error:  # else the system prints it, with whatever it quotes
            self._error = error
        finally:
            # First, so that whoever has the answer finds its place in flight free again.
            finished()
            self._done.set()

    def wait(self, seconds: float) -> Answer:
        """Return the answer, waiting no longer than the deadline."""
        if not self._done.wait(seconds):
            self._abandon()
            # Whatever comes now may have been cut short by ourselves and look whole.
            raise MayHaveArrived if self._sent else NeverSent
        if isinstance(self._error, _LOST):
            raise (MayHaveArrived if self._sent else NeverSent) from self._error
        if self._error is not None:
            raise self._error
        return self._answer

    def _abandon(self) -> None:
        with self._lock:
            self._abandoned = True
            if self._socket is not None:
                # Wakes the thread out of whatever read it sits in.
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


def current() -> Attempt[object]:
    """Return the attempt that this thread runs."""
    attempt: Attempt[object] = _thread.attempt
    return attempt


def within(seconds: float, exchange: Callable[[], Answer], finished: Callable[[], None]) -> Answer:
    """Run ``exchange`` with a wall clock over it.

    Args:
        seconds: How long the caller waits at most.
        exchange: Sends through ``wire.WatchedAdapter``, else sending goes unnoticed.
        finished: Called once the exchange is truly over, which may be after the deadline.

    Raises:
        NeverSent: The deadline or an error came before the first byte was sent.
        MayHaveArrived: It came after.
    """
    attempt: Attempt[Answer] = Attempt()
    thread = threading.Thread(target=attempt.run, args=(exchange, finished), daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # the system has no thread left
        finished()
        raise NeverSent from error
    return attempt.wait(seconds)
