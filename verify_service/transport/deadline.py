"""A wall clock over one HTTP exchange: name resolution, connect, TLS, headers and body.

The timeouts of ``requests`` are per read, so a server that sends one byte a second never exceeds
them. Here an exchange runs in a thread of its own, and the caller waits no longer than the
deadline. Then one fact counts: had sending begun? The lock in :class:`Attempt` decides it once, so
an exchange that was abandoned before that can never be sent.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from urllib3.exceptions import HTTPError

Result = TypeVar("Result")
_thread = threading.local()


class SupportsClose(Protocol):
    """An object with a file descriptor."""

    def close(self) -> object: ...


class NeverSent(Exception):
    """No byte of the request was sent, so the server cannot have acted on it."""


class MayHaveArrived(Exception):
    """Sending had begun and no whole response arrived: the server may have acted on the request."""


_LOST = (NeverSent, OSError, HTTPError)
"""The errors of a lost connection. Those of sockets and ``requests`` are OSErrors, those of
``urllib3`` are not."""


class Attempt(Generic[Result]):
    """One exchange. Its thread and its waiting caller share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._open = contextlib.ExitStack()
        self._socket: socket.socket | None = None
        self._abandoned = False
        self._sent = False
        self._result: Result
        self._error: BaseException | None = None

    def opened(self, connection: socket.socket) -> None:
        """Keep a duplicate of the socket, to shut it down by: TLS takes over the original."""
        with self._lock:
            if self._abandoned:
                raise NeverSent
            self._socket = self._open.enter_context(connection.dup())

    def owns(self, thing: SupportsClose) -> None:
        """Close ``thing`` when the exchange has ended, even if its owner does not."""
        self._open.callback(thing.close)

    def sending(self) -> None:
        """Record that sending begins; raise NeverSent if the caller has abandoned the exchange."""
        with self._lock:
            if self._abandoned:
                raise NeverSent
            self._sent = True

    def run(self, exchange: Callable[[], Result], finished: Callable[[], None]) -> None:
        """Run the exchange. It is the thread's target."""
        _thread.attempt = self
        try:
            try:
                self._result = exchange()
            finally:
                with self._lock:
                    self._open.close()
        except BaseException as error:
            # Otherwise threading prints it, and its message may quote the request.
            self._error = error
        finally:
            # First, so that the slot is free when the caller has the result.
            finished()
            self._done.set()

    def wait(self, seconds: float) -> Result:
        """Return the result, waiting no longer than ``seconds``."""
        if not self._done.wait(seconds):
            self._abandon()
            # A result that arrives now may be truncated by the shutdown and look complete.
            raise MayHaveArrived if self._sent else NeverSent
        if isinstance(self._error, _LOST):
            raise (MayHaveArrived if self._sent else NeverSent) from self._error
        if self._error is not None:
            raise self._error
        return self._result

    def _abandon(self) -> None:
        with self._lock:
            self._abandoned = True
            if self._socket is not None:
                # Ends the read that the thread waits in.
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


def current() -> Attempt[object]:
    """Return the attempt of this thread."""
    attempt: Attempt[object] = _thread.attempt
    return attempt


def within(seconds: float, exchange: Callable[[], Result], finished: Callable[[], None]) -> Result:
    """Run ``exchange`` under a wall clock.

    Args:
        seconds: The longest time that the caller waits.
        exchange: It must send through ``connections.WatchedAdapter``, which records the sending.
        finished: Called once the exchange has ended, which may be after the deadline.

    Raises:
        NeverSent: The deadline or an error came before the first byte was sent.
        MayHaveArrived: It came after.
    """
    attempt: Attempt[Result] = Attempt()
    thread = threading.Thread(target=attempt.run, args=(exchange, finished), daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # the system cannot create another thread
        finished()
        raise NeverSent from error
    return attempt.wait(seconds)
