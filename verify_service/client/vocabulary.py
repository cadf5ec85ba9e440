"""The words in the answers and events on which a login flow decides.

Each enum also has ``OTHER``, for a word of a newer service. It is a member, not a string, so that
a type checker finds a ``match`` that does not handle it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class _Word(StrEnum):
    @classmethod
    def _missing_(cls, _: object) -> Self:
        return cls.__members__["OTHER"]


class State(_Word):
    """The state of a verification. No state logs anyone in: only ``Check.verified`` does."""

    PENDING = "pending"
    APPROVED = "approved"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    CANCELED = "canceled"
    FAILED = "failed"
    OTHER = "other"


class CallState(_Word):
    """The state of a verification's call."""

    PLACING = "placing"
    PLACED = "placed"
    UNKNOWN = "unknown"
    """The provider did not answer in time: the phone may ring."""

    FAILED = "failed"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNCONFIRMED = "unconfirmed"
    """Placed, and the provider has not reported how it ended."""

    OTHER = "other"


class NextAction(_Word):
    """What the login flow does next."""

    WAIT = "wait"
    """Read the status again in 2 s."""

    ENTER_CODE = "enterCode"
    RESTART = "restart"
    """Offer a new start, in ``restart_in`` seconds."""

    STOP = "stop"
    """Offer the person another way."""

    DONE = "done"
    """Only together with ``verified``."""

    OTHER = "other"
    """Handle it like ``STOP``."""


class EventType(_Word):
    """What changed. No event logs anyone in: only ``Check.verified`` does."""

    DELIVERED = "verification.delivered"
    """The call rang, or was answered."""

    UNDELIVERED = "verification.undelivered"
    """The call did not ring: ``call.provider_status`` says why."""

    APPROVED = "verification.approved"
    EXHAUSTED = "verification.exhausted"
    CANCELED = "verification.canceled"
    FAILED = "verification.failed"
    """The provider refused the call, or could not be reached."""

    TEST = "verification.test"
    """The operator tries the address; there is no such verification. Ignore it."""

    OTHER = "other"
    """Ignore it."""
