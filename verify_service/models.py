"""The words of the domain: a verification, its call, what the provider said of it.

Moments are unixtime in milliseconds unless a name says otherwise, always by Redis' clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a verification stands. All but ``pending`` are final."""

    PENDING = "pending"
    APPROVED = "approved"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    CANCELED = "canceled"
    FAILED = "failed"


class CallState(StrEnum):
    """Where the call of a verification stands."""

    PLACING = "placing"
    PLACED = "placed"
    UNKNOWN = "unknown"
    FAILED = "failed"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNCONFIRMED = "unconfirmed"
    """Never stored: a placed call whose callback is overdue reads so."""


class CallStatus(StrEnum):
    """The six call statuses of the provider's page, with what each means for us.

    Attributes:
        delivered: The phone rang (the page's DELIVERED), so the person could read the code.
        waives: Nobody could help it, so the start does not count. Not so for FORBIDDEN: what
            the provider's anti-fraud stopped, our limits should not encourage.
    """

    delivered: bool
    waives: bool

    def __new__(cls, name: str, delivered: bool, waives: bool) -> CallStatus:
        member = str.__new__(cls, name)
        member._value_ = name
        member.delivered = delivered
        member.waives = waives
        return member

    ANSWERED = "ANSWERED", True, False
    TERMINATED = "TERMINATED", True, False
    BUSY_HERE = "BUSY_HERE", True, False
    REJECTED = "REJECTED", False, True
    UNAVAILABLE = "UNAVAILABLE", False, True
    FORBIDDEN = "FORBIDDEN", False, False


class NextAction(StrEnum):
    """What the login flow does next."""

    WAIT = "wait"
    ENTER_CODE = "enterCode"
    RESTART = "restart"
    STOP = "stop"
    DONE = "done"


class Verdict(StrEnum):
    """What a check came to. Only ``right`` verifies anybody."""

    RIGHT = "right"
    WRONG = "wrong"
    ENDED = "ended"
    """Not compared: the verification is over."""

    BARRED = "barred"
    """Not compared: the number's guess budget is spent, or it is locked."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What keeps a number from going on, and for how long."""

    limit: str
    milliseconds: int

    @property
    def seconds(self) -> int:
        """Whole seconds, rounded up: after them the limit truly lets through."""
        return -(-self.milliseconds // 1000)


@dataclass(frozen=True, slots=True)
class Call:
    """The flash call of a verification. The caller's last four digits are never kept."""

    state: CallState
    caller_prefix: str | None = None
    caller_length: int | None = None
    provider_status: str | None = None
    status_at: int | None = None
    """Unixtime in seconds, as the provider's callback gave it."""
    hopeless: bool = False
    """True where no other call to this number can go out either (errorCode 11)."""


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification as Redis told it at the moment ``now``."""

    id: str
    app: str
    number: str
    """Full E.164."""
    state: State
    checks_left: int
    created_at: int
    expires_at: int
    now: int
    call: Call
    reference: str | None = None
    barred: Wait | None = None
    """Why no guess is compared and no start let through: ``failures`` or ``locked``."""
    restart: Wait | None = None
    """Which of the number's own limits a new start waits for the longest."""

    @property
    def expires_in(self) -> int:
        """Whole seconds, rounded up, in which a code can be entered; 0 once it is over."""
        if self.state is not State.PENDING:
            return 0
        return max(0, -(-(self.expires_at - self.now) // 1000))

    @property
    def restart_in(self) -> int:
        """Whole seconds until this number's own limits let a new start through."""
        return self.restart.seconds if self.restart else 0


@dataclass(frozen=True, slots=True)
class Draft:
    """What a start wants to have reserved."""

    id: str
    app: str
    number: str
    digest: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to one check."""

    verdict: Verdict
    verification: Verification


@dataclass(frozen=True, slots=True)
class Placed:
    """The provider took the call."""

    request_id: str
    caller_prefix: str | None
    """All of the caller's number but its last four digits; None where it is not to be trusted."""
    caller_length: int | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have reached the provider: the phone may be ringing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No call, or none that can be relied on.

    Attributes:
        reason: A sentence of ours. Never the provider's own text, which may quote the code.
        refund: Whether the start's quota is given back.
        error_code: The provider's ``errorCode``, where it gave one.
        invalid_number: The provider holds the number for no number (errorCode 11).
        account: The operator has to act: token, balance, sender (errorCodes 1, 2, 5, 6, 10, 16).
        retry_after: Seconds to wait, where the provider throttles (errorCode 4).
    """

    reason: str
    refund: bool
    error_code: int | None = None
    invalid_number: bool = False
    account: bool = False
    retry_after: int | None = None


Outcome = Placed | Unknown | Refused


@dataclass(frozen=True, slots=True)
class Report:
    """One callback of the provider, understood.

    Attributes:
        request_id: Opaque text.
        number: E.164.
        status: One of the page's six.
        timestamp: Unixtime of the status change, whole seconds.
    """

    request_id: str
    number: str
    status: CallStatus
    timestamp: int


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``count`` events in any ``seconds`` seconds."""

    count: int
    seconds: int
