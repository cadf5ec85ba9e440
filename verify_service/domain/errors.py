"""What can go wrong, as facts. No HTTP here: ``api/errors.py`` gives each its status."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verify_service.domain.models import Failure
    from verify_service.domain.next_action import VerificationView


class VerifyError(Exception):
    """The root of everything this service raises on purpose."""


@dataclass(eq=False)
class InvalidNumber(VerifyError):
    """The text is no phone number that could be called."""

    reason: str


@dataclass(eq=False)
class DestinationNotAllowed(VerifyError):
    """A real number, but flash calls to it are switched off.

    Attributes:
        number: In E.164.
        rule: Which rule refused: ``country``, ``type`` or ``range``.
        reason: A sentence with what the rule looked at, never the number.
    """

    number: str = field(repr=False)
    rule: str
    reason: str


@dataclass(eq=False)
class LimitReached(VerifyError):
    """A limit refused. Nothing was reserved and nobody was called.

    Attributes:
        limit: The limit's name, the same in answers, settings and metrics.
        retry_after: Whole seconds, at least 1, until it lets one more through.
    """

    limit: str
    retry_after: int


@dataclass(eq=False)
class CallsPaused(VerifyError):
    """The operator has paused all calls. Nothing was reserved.

    Attributes:
        retry_after: Whole seconds, at least 1, until the pause ends by itself.
    """

    retry_after: int


class VerificationNotFound(VerifyError):
    """No such verification for this app. A stranger's id and an unknown one are the same."""


@dataclass(eq=False)
class CallFailed(VerifyError):
    """The verification was reserved, but the provider refused the call or its answer is no use."""

    view: VerificationView
    failure: Failure


class NumberRejected(CallFailed):
    """The provider does not take the number for one. No other call to it would be placed."""


@dataclass(eq=False)
class StoreUnavailable(VerifyError):
    """Redis did not answer, or answered that it cannot work now.

    Attributes:
        reason: For the log.
        state: For everybody: what Redis does or cannot do, as the end of a sentence.
    """

    reason: str
    state: str = "cannot be reached"


class TooManyCallsInFlight(VerifyError):
    """Every place for a call in flight is taken; nothing was reserved."""


@dataclass(eq=False)
class CallsSuspended(VerifyError):
    """The breaker holds calls back, since the provider fails; nothing was reserved.

    Attributes:
        retry_after: Whole seconds, at least 1, until one may try again.
    """

    retry_after: int


class KeyInFlight(VerifyError):
    """The first request under this Idempotency-Key has not come to anything yet."""


class KeyReused(VerifyError):
    """The Idempotency-Key belongs to a request with another body."""


@dataclass(eq=False)
class InvalidCallback(VerifyError):
    """The callback has the right shape and a value that cannot be true."""

    reason: str
