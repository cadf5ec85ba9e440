"""Events: the changes of a verification that a login flow receives, and when they are sent again.

The functions in Redis write an event with the change that it is about
(``store/lua/includes/outbox.lua``); ``webhooks/`` delivers it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from verify_service.domain.limits import DAY, HOUR
from verify_service.domain.models import Verification


class EventType(StrEnum):
    """The type of an event."""

    DELIVERED = "verification.delivered"
    UNDELIVERED = "verification.undelivered"
    APPROVED = "verification.approved"
    EXHAUSTED = "verification.exhausted"
    CANCELED = "verification.canceled"
    FAILED = "verification.failed"
    TEST = "verification.test"
    """Of no verification: the operator tries an address."""


RETRY_SECONDS = (5, 30, 120, 600, 1800)
"""Pauses after the first, second … try that failed. After the last one the event is dropped."""
JITTER = 0.1
"""A pause is up to this share longer, so that a receiver that recovers is not hit all at once."""
TRY_SECONDS = 10
"""The longest time for one try: the deadline of the whole exchange."""
LEASE_SECONDS = 15
"""How long a process may take for one try, with its two calls of Redis. After it, the process is
considered dead, and another one tries."""
OFF_SECONDS = DAY
"""How long an address that answers 410 stays switched off."""
KEPT_SECONDS = 2 * HOUR
"""An event that is older is dropped. All tries take 43 minutes, and an event may wait for those of
an earlier event of its verification."""
SLACK_SECONDS = HOUR
"""The keys of an outbox expire this long after its last event would be dropped."""
OUTBOX_VERIFICATIONS = 5_000
"""Verifications of an app that may have undelivered events: as many as are started in a day with
the default cap."""
OUTBOX_EVENTS = 5
"""Undelivered events of one verification. It usually has two."""


def event_id(verification_id: str, name: str) -> str:
    """Return the ``webhook-id`` of an event, by its name among those of its verification."""
    return f"evt_{verification_id}_{name}"


@dataclass(frozen=True, slots=True)
class Event:
    """One change of a verification.

    Attributes:
        name: Its name among the events of its verification.
        verification: The verification right after the change. Its number is masked.
    """

    name: str
    type: EventType
    verification: Verification

    @property
    def id(self) -> str:
        """The ``webhook-id``: the same at every try, and of no other event."""
        return event_id(self.verification.id, self.name)

    @property
    def at(self) -> int:
        """When it happened: unixtime in milliseconds by Redis' clock."""
        return self.verification.now


@dataclass(frozen=True, slots=True)
class TakenEvent:
    """An event that this process has taken out of the outbox, for one try.

    Attributes:
        short_id: The verification's name in the outbox.
        tries: How often the event was taken, this time included.
    """

    app: str
    short_id: str
    tries: int
    event: Event


class Result(StrEnum):
    """The result of a try."""

    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"
    """It failed for the last time."""

    GONE = "gone"
    """The receiver wants no more events."""

    RETURNED = "returned"
    """Not tried: the process ends."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a process took out of the outboxes.

    Attributes:
        dropped: By app, how many events were too old.
        lost: By app, how many events fell out of its outbox, which is full.
        unreadable: The errors of events that another release wrote with words that this one does
            not know. A process of that release can take them after the lease.
    """

    events: Sequence[TakenEvent]
    dropped: Mapping[str, int]
    lost: Mapping[str, int]
    unreadable: Sequence[Exception] = ()


def pause_after(tries: int, retry_after: float | None = None) -> float | None:
    """Return the seconds until the next try, or None if there is none.

    Args:
        tries: Tries that failed.
        retry_after: Seconds that the receiver asks to wait.
    """
    if tries > len(RETRY_SECONDS):
        return None
    pause = RETRY_SECONDS[tries - 1] * random.uniform(1, 1 + JITTER)  # noqa: S311
    return max(pause, min(retry_after or 0.0, KEPT_SECONDS))
