"""What weakens Redis while the service runs, and its memory, read again every few seconds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from redis.exceptions import RedisError

from verify_service.domain.check_result import CheckResult, Severity
from verify_service.domain.redis_memory import RedisMemory
from verify_service.store.connection.client import Client
from verify_service.store.inspection import guarantees

READ_AGAIN_SECONDS = 5
"""`CONFIG SET` is seen after this time; each process asks once in it, however often it is asked."""


class Warnings:
    """The warnings and the memory of one server.

    Args:
        client: Its client.
        clock: Monotonic seconds.
    """

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._read_again_at = clock()
        self._known: tuple[CheckResult, ...] = ()

    def current(self) -> tuple[CheckResult, ...]:
        """Return the warnings; those known before if Redis does not reply now."""
        return tuple(one for one in self._read() if one.severity is Severity.WARNING)

    def memory(self) -> RedisMemory | None:
        """Return the memory in use, in the same way; None if INFO is not permitted."""
        return next((one.memory for one in self._read() if one.memory), None)

    def _read(self) -> tuple[CheckResult, ...]:
        now = self._clock()
        if now >= self._read_again_at:
            # First, so that one caller asks and the others do not wait.
            self._read_again_at = now + READ_AGAIN_SECONDS
            with contextlib.suppress(RedisError):  # readiness reports it
                self._known = guarantees(self._client)
        return self._known
