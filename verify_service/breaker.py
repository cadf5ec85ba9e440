"""Pauses calls while the provider fails: they cost the number's quota and lead nowhere.

Calls stop after so many failures in a row that are about the account or the way to the provider,
never about one number. Then one start at a time is let through as a probe; a probe that works
lets all of them through again. All processes share one breaker.
"""

from __future__ import annotations

import contextlib
import math
import secrets
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
TO_CALL = 5.0
"""Seconds within which whoever was let through as a probe has to begin its call. On the way lie two
exchanges with Redis, the answer to its question and the reservation, either of which may have to
wait in line for a connection. Whoever is later does not call: by then the next may."""
TOKEN_BYTES = 8
"""Enough to tell apart the starts of some minutes."""
TOO_LATE = Failed("Calls are paused; it took too long to try with this one.", refund=True)


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

    def admit(self, token: str) -> Gate: ...
    def report(self, sign: Sign, token: str) -> float | None: ...
    def is_open(self) -> bool: ...


class BreakerJournal(Protocol):
    """Who writes down what the breaker does."""

    def breaker_opened(self, seconds: float) -> None: ...
    def breaker_closed(self) -> None: ...
    def held_back(self, seconds: int) -> None: ...


def sign_of(outcome: Outcome) -> Sign:
    """Tell what an outcome says of account and way; most of what concerns one number: nothing."""
    match outcome:
        case Unknown() | Failed(account=True) | Failed(transport=True):
            return Sign.BAD
        case Placed() | Failed(error_code=ErrorCode.INVALID_NUMBER):
            return Sign.GOOD
        case Failed():
            return Sign.NOTHING


class Watch:
    """One start that was let through.

    Args:
        probe: Whether it is the only one.
        call_by: When its call has to begin at the latest, by ``clock``.

    Attributes:
        token: By which the shared breaker knows it from every other start.
        sign: What its call said of the provider.
    """

    def __init__(
        self, token: str, *, probe: bool, call_by: float, clock: Callable[[], float]
    ) -> None:
        self.token = token
        self.probe = probe
        self.sign = Sign.NOTHING
        self._call_by = call_by
        self._clock = clock

    def call(self, place: Callable[[], Outcome]) -> Outcome:
        """Place the call, and note what it says; a probe that comes too late calls nobody."""
        outcome = place() if self._clock() <= self._call_by else TOO_LATE
        self.sign = sign_of(outcome)
        return outcome


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
    def watching(self) -> Iterator[Watch]:
        """Let a start through, and yield what its call is to go through.

        A probe that comes to no call is left to the next start.

        Raises:
            CallsSuspended: Calls are paused.
            StoreUnavailable: Redis is gone.
        """
        watch = self._admit()
        try:
            yield watch
        finally:
            # Where Redis is gone, a probe ends by its age, and a failure goes uncounted.
            with contextlib.suppress(StoreUnavailable):
                self._tell(watch)

    def is_open(self) -> bool:
        """Tell whether calls are paused. Raises StoreUnavailable where Redis is gone."""
        return self._store is not None and self._store.is_open()

    def _admit(self) -> Watch:
        asked, token = self._clock(), secrets.token_urlsafe(TOKEN_BYTES)
        probe = False
        if self._store is not None and asked >= self._known_until:
            probe = self._ask(self._store, token)
        # Counted from before the question, so that ours is over before Redis takes it to be.
        call_by = asked + TO_CALL if probe else math.inf
        return Watch(token, probe=probe, call_by=call_by, clock=self._clock)

    def _ask(self, store: BreakerStore, token: str) -> bool:
        """Ask the shared breaker; return whether this start is a probe."""
        self._known = gate = store.admit(token)
        if gate.state is GateState.OPEN:
            error = CallsSuspended(max(1, math.ceil(gate.wait / 1000)))
            self._journal.held_back(error.retry_after)
            raise error
        if gate.state is GateState.CLOSED:
            self._known_until = self._clock() + MEMORY
        return gate.state is GateState.PROBE

    def _tell(self, watch: Watch) -> None:
        # What is well and was well needs no word: a start that succeeds costs no round trip more.
        ended = watch.sign is Sign.GOOD and self._known.failures > 0
        news = watch.probe or watch.sign is Sign.BAD or ended
        if self._store is None or not news:
            return
        self._known_until = -math.inf
        paused = self._store.report(watch.sign, watch.token)
        if paused:
            self._journal.breaker_opened(paused)
        elif paused is not None:
            self._journal.breaker_closed()
