"""What can go wrong, as facts. ``api/errors.py`` maps each to HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verify_service.domain.calls import Failure
    from verify_service.domain.next_action import VerificationView


class VerifyError(Exception):
    """The base class of the errors below."""


@dataclass(eq=False)
class InvalidNumber(VerifyError):
    """The text is not a phone number that can be called.

    Attributes:
        reason: A sentence that does not contain the number.
    """

    reason: str


@dataclass(eq=False)
class DestinationNotAllowed(VerifyError):
    """The number is valid, but flash calls to it are not allowed.

    Attributes:
        number: E.164.
        rule: The rule that refused: ``country``, ``type`` or ``range``.
        reason: A sentence that does not contain the number.
    """

    number: str = field(repr=False)
    rule: str
    reason: str


@dataclass(eq=False)
class DestinationBlocked(VerifyError):
    """The operator has blocked a prefix of the number. Nothing was reserved.

    Attributes:
        prefix: E.164.
        seconds: Whole seconds, at least 1, until the block ends.
    """

    prefix: str = field(repr=False)
    seconds: int


@dataclass(eq=False)
class LimitReached(VerifyError):
    """A limit refused a start. Nothing was reserved and no call was placed.

    Attributes:
        limit: The limit's name, as in answers, settings and metrics.
        retry_after: Whole seconds, at least 1, until the limit allows one more.
        scope: What a limit over many numbers counts together: a prefix, a country, an app, or the
            digest of a client's network. Empty for a limit of the number.
    """

    limit: str
    retry_after: int
    scope: str = field(default="", repr=False)


@dataclass(eq=False)
class CallsPaused(VerifyError):
    """The operator has paused all calls. Nothing was reserved.

    Attributes:
        retry_after: Whole seconds, at least 1, until the pause ends.
    """

    retry_after: int


@dataclass(eq=False)
class CallsSuspended(VerifyError):
    """The breaker has paused all calls because the provider fails. Nothing was reserved.

    Attributes:
        retry_after: Whole seconds, at least 1, until a start may try the provider.
    """

    retry_after: int


class TooManyCallsInFlight(VerifyError):
    """No slot for another call is free in this process. Nothing was reserved."""


class VerificationNotFound(VerifyError):
    """The app has no such verification. Another app's id and an unknown one give the same error."""


@dataclass(eq=False)
class CallFailed(VerifyError):
    """The verification was reserved, and its call was not placed."""

    view: VerificationView
    failure: Failure


class NumberRejected(CallFailed):
    """The call was not placed because the provider takes the number for invalid."""


OUT_OF_MEMORY = "is out of memory"
"""The state of a Redis whose memory is full, and which evicts no key: it refuses every write."""


@dataclass(eq=False)
class StoreUnavailable(VerifyError):
    """Redis did not answer, or cannot work now.

    Attributes:
        reason: For the log.
        state: For callers: the end of a sentence that begins with "Redis".
        permanent: Whether it lasts until someone changes a setting.
    """

    reason: str
    state: str = "cannot be reached"
    permanent: bool = False

    @property
    def remedy(self) -> str:
        """What ends it, as a sentence."""
        return "The operator has to change a setting." if self.permanent else "Retry."


class KeyInFlight(VerifyError):
    """The first request with this Idempotency-Key is still in progress."""


class KeyReused(VerifyError):
    """The Idempotency-Key came with another body before."""


@dataclass(eq=False)
class InvalidCallback(VerifyError):
    """The callback has the right shape and an impossible value."""

    reason: str
