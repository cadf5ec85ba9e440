"""Pauses calls while the provider fails: they cost the number's quota and lead nowhere.

Calls stop after so many failures in a row that are about the account or the way to the provider,
never about one number. Then one start at a time is let through as a probe; a probe that works
lets all of them through again. All processes share one breaker.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from verify_service.errors import CallsSuspended, StoreUnavailable
from verify_service.models import ErrorCode
from verify_service.outcomes import Failed, Outcome, Placed, Unknown

MEMORY = 1.0
"""Seconds for which a process takes calls to be open once it has asked: so that a start costs no
round trip more while all is well. Meanwhile a few more may fail than there should."""


class GateState(StrEnum):
    """Whether a call may be placed."""

    CLOSED = "closed"
    """The breaker is: calls are placed."""
    PROBE = "probe"
    """This one alone."""
    OPEN = "open"


class Sign(StrEnum):
    """What an outcome says of the provider."""

    GOOD = "good"
    BAD = "bad"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Gate:
    """What the breaker says to a start.

    Attributes:
        failures: In a row, so far.
        wait: Milliseconds until the next probe.
    """

    state: GateState
    failures: int = 0
    wait: int = 0


class BreakerStore(Protocol):
    """Where the breaker lives."""

    def admit(self) -> Gate: ...
    def report(self, sign: Sign, *, probe: bool) -> float | None: ...
    def is_open(self) -> bool: ...


class BreakerJournal(Protocol):
    """Who writes down what the breaker does."""

    def breaker_opened(self, seconds: float) -> None: ...
    def breaker_closed(self) -> None: ...
    def held_back(self, seconds: int) -> None: ...


def sign_of(outcome: Outcome) -> Sign:
    """Tell what an outcome says of account and way; most of what concerns one number: nothing."""
    match outcome:
        case Placed() | Failed(error_code=ErrorCode.INVALID_NUMBER):
            return Sign.GOOD
        case Unknown():
            return Sign.BAD
        case Failed(account=account, transport=transport):
            return Sign.BAD if account or transport else Sign.NOTHING


class Breaker:
    """One process' view of it.

    Args:
        store: The one that all share; None for a service without a breaker.
        journal: Who is told.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        store: BreakerStore | None,
        journal: BreakerJournal,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._known = Gate(GateState.CLOSED)
        self._known_until = -math.inf

    @contextmanager
    def watching(self) -> Iterator[Callable[[Outcome], None]]:
        """Let a start through, and yield whom to tell what its call came to.

        A probe that comes to no call is left to the next start.

        Raises:
            CallsSuspended: Calls are paused.
            StoreUnavailable: Redis is gone.
        """
        probe = self._admit()
        signs: list[Sign] = []
        try:
            yield lambda outcome: signs.append(sign_of(outcome))
        finally:
            # Where Redis is gone, a probe ends by its age, and a failure goes uncounted.
            with contextlib.suppress(StoreUnavailable):
                self._tell(signs[0] if signs else Sign.NOTHING, probe)

    def is_open(self) -> bool:
        """Tell whether calls are paused. Raises StoreUnavailable where Redis is gone."""
        return self._store is not None and self._store.is_open()

    def _admit(self) -> bool:
        if self._store is None or self._clock() < self._known_until:
            return False
        self._known = gate = self._store.admit()
        if gate.state is GateState.OPEN:
            error = CallsSuspended(max(1, math.ceil(gate.wait / 1000)))
            self._journal.held_back(error.retry_after)
            raise error
        if gate.state is GateState.CLOSED:
            self._known_until = self._clock() + MEMORY
        return gate.state is GateState.PROBE

    def _tell(self, sign: Sign, probe: bool) -> None:
        # What is well and was well needs no word: a start that succeeds costs no round trip more.
        news = probe or sign is Sign.BAD or (sign is Sign.GOOD and self._known.failures > 0)
        if self._store is None or not news:
            return
        self._known_until = -math.inf
        paused = self._store.report(sign, probe=probe)
        if paused:
            self._journal.breaker_opened(paused)
        elif paused is not None:
            self._journal.breaker_closed()
