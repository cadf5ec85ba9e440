"""What the operator sees of the events that wait for a receiver, and does about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from verify_service.domain.events import EventType

ALLOWED_CLOCK_SECONDS = 300
"""How far a receiver's clock may be from ours: the libraries of Standard Webhooks refuse an event
whose ``webhook-timestamp`` is further away."""


@dataclass(frozen=True, slots=True)
class OutboxUsage:
    """How full the outbox of an app is.

    Attributes:
        waiting: Undelivered events. Of a verification with several, about one counts.
        oldest: Seconds since the oldest of these events.
        off: Seconds for which the address stays switched off; 0 if it is on.
    """

    app: str
    waiting: int
    oldest: int
    off: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What came back when a test event was posted.

    Attributes:
        http: The status of the response; None if there was no whole one.
        seconds: How long it took.
        accepted: Whether an event would have been delivered.
        unreachable: Why no connection opens, as a sentence; empty if one does.
        clock: Seconds by which the receiver's clock is ahead of ours; None if it does not say.
    """

    http: int | None
    seconds: float
    accepted: bool = False
    unreachable: str = ""
    clock: float | None = None

    @property
    def wrong_clock(self) -> bool:
        """Whether the receiver refuses every event for its age."""
        return self.clock is not None and abs(self.clock) > ALLOWED_CLOCK_SECONDS


@dataclass(frozen=True, slots=True)
class Resent:
    """An event that was added once more.

    Attributes:
        id: Its ``webhook-id``, which no earlier event has.
    """

    id: str
    type: EventType


class RefusedResend(Exception):
    """There is nothing to send; ``resend_event.lua`` has the reasons."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutboxStore(Protocol):
    """The operator's side of the outboxes. Every method raises StoreUnavailable."""

    def usage(self, apps: Sequence[str]) -> list[OutboxUsage]:
        """Return how full the outboxes of these apps are."""
        ...

    def switch_on(self, app: str) -> bool:
        """Deliver an app's events again after a 410; return whether the address was off."""
        ...

    def resend(self, verification_id: str) -> Resent:
        """Add an event that says how a verification stands now.

        Raises:
            VerificationNotFound: There is no such verification.
            RefusedResend: It has no event, or its app had no address when it began.
        """
        ...
