"""The call of a verification: its states, what the provider reports of it, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class CallState(StrEnum):
    """The state of a verification's call."""

    PLACING = "placing"
    PLACED = "placed"
    UNKNOWN = "unknown"
    FAILED = "failed"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNCONFIRMED = "unconfirmed"
    """Computed, never stored: the callback of a placed call is overdue."""


class DeliveryResult(StrEnum):
    """The meaning of a status that the provider reports, whatever its word is."""

    DELIVERED = "delivered"
    """The phone rang, so the person could read the code."""

    UNREACHED = "unreached"
    """The phone did not ring, and another call may succeed: the start is refunded."""

    FORBIDDEN = "forbidden"
    """The provider's anti-fraud stopped the call. The start is not refunded: a refund would invite
    more of the calls that the provider stops."""


@dataclass(frozen=True, slots=True)
class CallStatus:
    """A status that the provider reported.

    Attributes:
        word: The provider's word.
        result: Its meaning.
    """

    word: str
    result: DeliveryResult


class FailureKind(StrEnum):
    """Why a call was not placed, whatever the provider's code is."""

    REFUSED = "refused"
    """The provider refused this call. It says nothing about calls to other numbers."""

    INTERNAL = "internal"
    """An error inside the provider ended this call. The phone may ring."""

    PAUSED = "paused"
    """We did not ask the provider, because calls are paused."""

    INVALID_NUMBER = "invalidNumber"
    """The provider takes the number for invalid. It would refuse every call to it."""

    ACCOUNT = "account"
    """The token, the balance or the configuration is wrong. The operator has to act."""

    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    """No connection was opened."""

    UNREADABLE = "unreadable"
    """The provider's server failed, or its answer has no meaning. The phone may ring."""

    @classmethod
    def _missing_(cls, _: object) -> FailureKind:
        """Return REFUSED for a kind that a newer release stored."""
        return cls.REFUSED


_REFUSED_AGAIN = {FailureKind.REFUSED, FailureKind.INVALID_NUMBER, FailureKind.ACCOUNT}


class CallerProblem(StrEnum):
    """Why the calling number of a placed call is not shown."""

    MISSING = "missing"
    NOT_A_NUMBER = "notANumber"
    OTHER_DIGITS = "otherDigits"
    """It does not end in the code."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call failed, as the login flow gets it.

    Attributes:
        reason: A sentence of ours, never the provider's text, which may quote the code.
        error_code: The provider's ``errorCode``, if it sent one.
        retry_after: Seconds to wait, if the provider throttles.
    """

    reason: str
    error_code: int | None = None
    retry_after: int | None = None
    kind: FailureKind = FailureKind.REFUSED


@dataclass(frozen=True, slots=True)
class Call:
    """The flash call of a verification. The caller's last four digits are never stored.

    Attributes:
        caller_prefix: The caller's number without its last four digits, if it is known.
        caller_length: Digits of the caller's whole number, if it is known.
        status_at: Unixtime in seconds, from the provider's callback.
    """

    state: CallState
    caller_prefix: str | None = None
    caller_length: int | None = None
    status: CallStatus | None = None
    status_at: int | None = None
    failure: Failure | None = None

    @property
    def provider_status(self) -> str | None:
        """The provider's word for the status."""
        return self.status.word if self.status else None

    @property
    def forbidden(self) -> bool:
        """Whether the provider's anti-fraud stopped the call."""
        return self.status is not None and self.status.result is DeliveryResult.FORBIDDEN

    @property
    def number_rejected(self) -> bool:
        """Whether the provider would refuse every call to this number."""
        return self.failure is not None and self.failure.kind is FailureKind.INVALID_NUMBER

    @property
    def refused_again(self) -> bool:
        """Whether the provider would refuse another call to this number for the same reason."""
        return self.failure is not None and self.failure.kind in _REFUSED_AGAIN


@dataclass(frozen=True, slots=True)
class Placed:
    """The provider accepted the call.

    Attributes:
        caller_prefix: The caller's number without its last four digits. None if the number is
            missing, does not end in the code, or is the code alone.
        caller_length: Digits of the caller's whole number. None if it is missing or does not end
            in the code.
        caller_problem: Why both are None.
    """

    request_id: str
    caller_prefix: str | None
    caller_length: int | None
    caller_problem: CallerProblem | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have reached the provider: the phone may be ringing.

    Attributes:
        ours: Whether our side ended the exchange, so that it says nothing about the provider.
    """

    reason: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Failed(Failure):
    """The call was not placed. If ``refund`` is False, the phone may ring.

    Attributes:
        refund: Whether the start is refunded.
        provider_failing: Whether the provider's server failed as well, so that any other call
            would have failed.
        word: The provider's ``status``, for the log, if its page does not list it.
        cause: What decided: the provider's errorCode, its word, or ``HTTP403``; empty if it did
            not refuse.
    """

    refund: bool = field(kw_only=True)
    provider_failing: bool = field(default=False, kw_only=True)
    word: str | None = field(default=None, kw_only=True)
    cause: str = field(default="", kw_only=True)


CallOutcome = Placed | Unknown | Failed
