"""Pauses calls while the provider fails: they cost the number's quota and lead nowhere.

Calls stop after so many failures in a row that are about the account or the way to the provider,
never about one number. Then one start at a time is let through as a probe; a probe that works
lets all of them through again. All processes share one breaker: the store asks it for every start
that it reserves, and tells it what comes of the call together with the outcome.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Protocol

from verify_service.errors import StoreUnavailable
from verify_service.models import ErrorCode, Gate, Verification
from verify_service.outcomes import Failed, Outcome, Placed, Unknown

TO_CALL = 5.0
"""Seconds within which whoever was let through as a probe has to begin its call. On the way lies
the exchange with Redis that reserves it, on a cluster three of them, each of which may have to wait
in line for a connection. Whoever is later does not call: by then the next may."""
TOO_LATE = Failed("Calls are paused; it took too long to try with this one.", refund=True)


class Sign(StrEnum):
    """What an outcome says of the provider."""

    GOOD = "good"
    BAD = "bad"
    NOTHING = "nothing"


class BreakerStore(Protocol):
    """Where the breaker lives."""

    def leave(self, verification_id: str) -> None: ...
    def is_open(self) -> bool: ...


def sign_of(outcome: Outcome) -> Sign:
    """Tell what an outcome says of account and way; most of what concerns one number: nothing."""
    match outcome:
        case Unknown() | Failed(account=True) | Failed(transport=True):
            return Sign.BAD
        case Placed() | Failed(error_code=ErrorCode.INVALID_NUMBER):
            return Sign.GOOD
        case Failed():
            return Sign.NOTHING


def news(gate: Gate, outcome: Outcome) -> Sign | None:
    """Return what the breaker has to hear of a call; None where all is well and was well."""
    sign = sign_of(outcome)
    ended = sign is Sign.GOOD and gate.failures > 0
    return sign if gate.probe or sign is Sign.BAD or ended else None


class Watch:
    """One start, from before it is reserved.

    Attributes:
        probe: Its verificationId, where it is the only one that was let through.
        sign: What the breaker has to hear of its call, if anything.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.probe = ""
        self.sign: Sign | None = None
        self._clock = clock
        # Counted from before the question, so that ours is over before Redis takes it to be.
        self._call_by = clock() + TO_CALL

    def call(self, reserved: Verification, place: Callable[[], Outcome]) -> Outcome:
        """Place the call, and note what it says; a probe that comes too late calls nobody."""
        gate = reserved.gate
        self.probe = reserved.id if gate.probe else ""
        late = gate.probe and self._clock() > self._call_by
        outcome = TOO_LATE if late else place()
        self.sign = news(gate, outcome)
        return outcome


class Breaker:
    """What a start and whoever looks at the service need of it.

    Args:
        store: The one that all share; None for a service without a breaker.
        clock: Seconds that only go forward.
    """

    def __init__(
        self, store: BreakerStore | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        """Yield what a start's call is to go through; it begins before the start is reserved.

        A probe that comes to no outcome is left to the next start.
        """
        watch = Watch(self._clock)
        try:
            yield watch
        except BaseException:
            if self._store is not None and watch.probe:
                # Where Redis is gone, it ends by its age.
                with contextlib.suppress(StoreUnavailable):
                    self._store.leave(watch.probe)
            raise

    def is_open(self) -> bool:
        """Tell whether calls are paused. Raises StoreUnavailable where Redis is gone."""
        return self._store is not None and self._store.is_open()
