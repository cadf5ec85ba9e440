"""The words of the domain: a verification, its call, what the provider said of it.

Moments are unixtime in milliseconds unless a name says otherwise, always by Redis' clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


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
    refunds_quota: bool

    def __new__(cls, name: str, delivered: bool, refunds_quota: bool) -> CallStatus:
        member = str.__new__(cls, name)
        member._value_ = name
        member.delivered = delivered
        member.refunds_quota = refunds_quota
        return member

    ANSWERED = "ANSWERED", True, False
    TERMINATED = "TERMINATED", True, False
    BUSY_HERE = "BUSY_HERE", True, False
    REJECTED = "REJECTED", False, True
    UNAVAILABLE = "UNAVAILABLE", False, True
    FORBIDDEN = "FORBIDDEN", False, False


class ErrorCode(IntEnum):
    """The eight error codes of the provider's page; our own answers use four of them.

    Source: the provider's page, "Description of error codes".
    """

    INVALID_TOKEN = 1
    INACTIVE_ACCOUNT = 2
    TOO_MANY_REQUESTS = 4
    INACTIVE_TOKEN = 5
    INSUFFICIENT_FUNDS = 6
    INVALID_REQUEST = 10
    INVALID_NUMBER = 11
    SENDER_NOT_ALLOWED = 16


class NextAction(StrEnum):
    """What the login flow does next."""

    WAIT = "wait"
    ENTER_CODE = "enterCode"
    RESTART = "restart"
    STOP = "stop"
    DONE = "done"


class Verdict(StrEnum):
    """The result of a check. Only ``right`` verifies."""

    RIGHT = "right"
    WRONG = "wrong"
    ENDED = "ended"
    """Not compared: the verification is over."""

    BLOCKED = "blocked"
    """Not compared: the number's guess budget is spent, or it is locked."""


def whole_seconds(milliseconds: int) -> int:
    """Return whole seconds, rounded up: after them a limit truly lets through."""
    return -(-milliseconds // 1000)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An app and the SHA-256 of one of its keys."""

    app: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """What keeps a number from going on, and for how long."""

    limit: str
    milliseconds: int

    @property
    def seconds(self) -> int:
        """Whole seconds, rounded up: after them the limit truly lets through."""
        return whole_seconds(self.milliseconds)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call failed: what the login flow is told, now and whenever it asks again.

    Attributes:
        reason: A sentence of ours. Never the provider's own text, which may quote the code.
        error_code: The provider's ``errorCode``, where it gave one.
        retry_after: Seconds to wait, where the provider throttles (errorCode 4).
    """

    reason: str
    error_code: int | None = None
    retry_after: int | None = None

    @property
    def invalid_number(self) -> bool:
        """Whether the provider holds the number for no number."""
        return self.error_code == ErrorCode.INVALID_NUMBER


@dataclass(frozen=True, slots=True)
class Call:
    """The flash call of a verification. The caller's last four digits are never kept."""

    state: CallState
    caller_prefix: str | None = None
    caller_length: int | None = None
    provider_status: str | None = None
    status_at: int | None = None
    """Unixtime in seconds, as the provider's callback gave it."""
    failure: Failure | None = None

    @property
    def number_rejected(self) -> bool:
        """Whether no other call to this number can go out either."""
        return self.failure is not None and self.failure.invalid_number


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification as Redis told it at the moment ``now``."""

    id: str
    app: str
    number: str = field(repr=False)
    """Full E.164."""
    state: State
    checks_left: int
    created_at: int
    expires_at: int
    now: int
    call: Call
    reference: str | None = None
    guess_block: Wait | None = None
    """Why no guess is compared: ``failures`` or ``locked``."""
    test: bool = False
    """Whether it is a test number's: nobody was called."""
    restart: Wait | None = None
    """Which of the number's own limits a new start waits for the longest."""

    @property
    def expires_in(self) -> int:
        """Whole seconds, rounded up, in which a code can be entered; 0 once it is over."""
        if self.state is not State.PENDING:
            return 0
        return max(0, whole_seconds(self.expires_at - self.now))

    @property
    def restart_in(self) -> int:
        """Whole seconds until this number's own limits let a new start through."""
        return self.restart.seconds if self.restart else 0


@dataclass(frozen=True, slots=True)
class Binding:
    """An Idempotency-Key and what it stands for, both as digests.

    Attributes:
        name: Of the key, within its app and operation.
        body: Of what the request says.
    """

    name: str
    body: str


@dataclass(frozen=True, slots=True)
class NewVerification:
    """What a start wants to have reserved."""

    id: str
    app: str
    number: str = field(repr=False)
    reference: str | None
    digest: str = field(default="", repr=False)
    test_code: str | None = field(default=None, repr=False)
    """The code of a test number: nobody is called."""
    device: str = ""
    """The digest of the device it is started from, where the login flow names one."""
    client: str = ""
    """The digest of the address it comes from, where the login flow names one."""
    country: str = ""
    """ISO 3166 code."""
    idempotency: Binding | None = None
    """Its Idempotency-Key, where it has one."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """The result of a start's reservation.

    Attributes:
        verification: The one that was reserved.
        probe: Whether it is the only start that the breaker lets through.
        earlier: Whether it is an earlier start's, under the same Idempotency-Key and body.
    """

    verification: Verification
    probe: bool = False
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class Readiness:
    """What keeps starts from being served though Redis works.

    Attributes:
        calls_paused: The operator has paused all calls.
        breaker_open: The breaker has, since the provider fails.
    """

    calls_paused: bool
    breaker_open: bool


@dataclass(frozen=True, slots=True)
class CheckedGuess:
    """The answer to one check."""

    verdict: Verdict
    verification: Verification
    repeated: bool = False
    """Whether the guess had been compared before, under the same nonce."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """One callback of the provider, understood.

    Attributes:
        request_id: Opaque text.
        number: E.164.
        status: One of the page's six.
        timestamp: Unixtime of the status change, whole seconds.
    """

    request_id: str
    number: str = field(repr=False)
    status: CallStatus
    timestamp: int


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``count`` events in any ``seconds`` seconds."""

    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Placed:
    """The provider took the call."""

    request_id: str
    caller_prefix: str | None
    """All of the caller's number but its last four digits; None where it is not to be trusted."""
    caller_length: int | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have reached the provider: the phone may be ringing.

    Attributes:
        ours: Whether the exchange ended on our side, which says nothing of the provider.
    """

    reason: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Failed(Failure):
    """No call, or none that can be relied on: with ``refund`` False it may ring all the same.

    Attributes:
        refund: Whether the start's quota is given back.
        account: The operator has to act: token, balance, sender (errorCodes 1, 2, 5, 6, 10, 16).
        transport: The provider could not be reached, or is not well: any number would have met it.
    """

    refund: bool = field(kw_only=True)
    account: bool = field(default=False, kw_only=True)
    transport: bool = field(default=False, kw_only=True)


CallOutcome = Placed | Unknown | Failed
