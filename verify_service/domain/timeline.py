"""The events of single verifications, as the store keeps the last few thousand of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from verify_service.domain.models import State, Verification

EVENTS = 5_000
"""Events that are kept: those of about an hour at five times the average load of the default limit
of 5,000 starts a day, with five events each."""
EVENTS_SLACK = 100
"""So many more are kept before the oldest are deleted, all at once."""
ATTEMPTS = 100
"""Verifications that are listed."""

_ENDS = {
    "approved": State.APPROVED,
    "exhausted": State.EXHAUSTED,
    "canceled": State.CANCELED,
    "failed": State.FAILED,
}


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Something that happened to a verification.

    Attributes:
        at: Unixtime in milliseconds.
        name: ``started``, ``placed``, ``unknown``, ``failed``, ``delivered``, ``undelivered``,
            ``wrong``, ``approved``, ``exhausted`` or ``canceled``.
        detail: Why a call failed, or the provider's word; else empty.
        cause: Of a refused call: the provider's errorCode, its word, or ``HTTP403``.
    """

    at: int
    name: str
    detail: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A verification, by its events.

    Attributes:
        number: Masked.
        events: The oldest first. The first is ``started``.
    """

    id: str
    app: str
    country: str
    number: str
    events: tuple[TimelineEvent, ...]

    @property
    def started_at(self) -> int:
        """Unixtime in milliseconds."""
        return self.events[0].at

    @property
    def call(self) -> TimelineEvent | None:
        """The last event of its call; None while it is being placed, or if its process ended."""
        calls = ("placed", "unknown", "failed", "delivered", "undelivered")
        return next((event for event in reversed(self.events) if event.name in calls), None)

    @property
    def end(self) -> State | None:
        """The state in which it ended; None if it is pending or has expired."""
        ends = (_ENDS[event.name] for event in self.events if event.name in _ENDS)
        return next(ends, None)


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of one verification.

    Attributes:
        verification: None if it cannot be read any more.
        attempt: None if its events are no longer kept, or if it is a test number's.
    """

    verification: Verification | None
    attempt: Attempt | None


class TimelineStore(Protocol):
    """Reads the timeline. Every method raises StoreUnavailable."""

    def attempts(self, most: int = ATTEMPTS) -> list[Attempt]:
        """Return the last verifications, the newest first."""
        ...

    def find(self, verification_id: str) -> Found:
        """Return what is known of a verification, whatever its app.

        Raises:
            VerificationNotFound: The text is not an id of this service.
        """
        ...
