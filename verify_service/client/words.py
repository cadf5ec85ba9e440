"""The words of the answers that a login flow decides by.

Each enum has one member more than the service: ``OTHER``, for a word of a newer service. A member
and no bare text, so that a type checker holds whoever matches on them to having thought of it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class _Word(StrEnum):
    @classmethod
    def _missing_(cls, _: object) -> Self:
        return cls.__members__["OTHER"]


class State(_Word):
    """Where a verification stands. None of these logs anyone in: that is ``Check.verified``."""

    PENDING = "pending"
    APPROVED = "approved"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    CANCELED = "canceled"
    FAILED = "failed"
    OTHER = "other"


class CallState(_Word):
    """Where the call of a verification stands."""

    PLACING = "placing"
    PLACED = "placed"
    UNKNOWN = "unknown"
    """The provider did not answer in time: the phone may be ringing."""

    FAILED = "failed"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNCONFIRMED = "unconfirmed"
    """Placed, and no word since of how it ended."""

    OTHER = "other"


class NextAction(_Word):
    """What the login flow does next."""

    WAIT = "wait"
    """Ask for the status again in 2 s."""

    ENTER_CODE = "enterCode"
    RESTART = "restart"
    """A new start is the way on, in ``restart_in`` seconds."""

    STOP = "stop"
    """Offer the person another way."""

    DONE = "done"
    """Only beside ``verified``."""

    OTHER = "other"
    """Do as for ``STOP``."""
