"""A wall clock over one HTTP exchange: name, connect, proxy, TLS, headers and body.

The timeouts of ``requests`` are per read, so a server that sends one byte a second never exceeds
them. Here every read and write asks for what is left of one deadline (``connections.py``).
"""

from __future__ import annotations

import math
import time


class NeverSent(Exception):
    """No byte of the request was sent, so the server cannot have acted on it."""


class MayHaveArrived(Exception):
    """Sending had begun and no whole response arrived: the server may have acted on the request."""


class Deadline:
    """The end of an exchange, ``seconds`` from now. A stage of it may end earlier.

    Attributes:
        peer: What the stage waits for, in a sentence about a failure.
    """

    def __init__(self, seconds: float) -> None:
        self.peer = ""
        self._end = self._stage_end = time.monotonic() + seconds

    def stage(self, peer: str = "", seconds: float = math.inf) -> None:
        """Begin a stage of at most ``seconds``."""
        self.peer = peer
        self._stage_end = min(self._end, time.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError if none are."""
        left = self._stage_end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
