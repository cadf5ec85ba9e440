"""The words of the domain: a verification, its call, what the provider said of it.

Moments are unixtime in milliseconds unless a name says otherwise, always by Redis' clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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


class DeliveryResult(StrEnum):
    """What the provider's news of a call means, whatever its word for it is."""

    DELIVERED = "delivered"
    """The phone rang, so the person could read the code."""

    UNREACHABLE = "unreachable"
    """The phone did not ring, and trying again may help: the start is given back."""

    FORBIDDEN = "forbidden"
    """The provider's anti-fraud stopped the call. The start counts: our limits must not invite
    what the provider stops."""


@dataclass(frozen=True, slots=True)
class CallStatus:
    """What the provider reported of a call.

    Attributes:
        word: The provider's own.
        result: What it means.
    """

    word: str
    result: DeliveryResult

    @property
    def delivered(self) -> bool:
        """Whether the phone rang."""
        return self.result is DeliveryResult.DELIVERED

    @property
    def refunds_quota(self) -> bool:
        """Whether the start is given back."""
        return self.result is DeliveryResult.UNREACHABLE


class FailureKind(StrEnum):
    """Why no call was placed, whatever the provider's code for it is."""

    REFUSED = "refused"
    """Something about this call; nothing is known of the next one."""

    INVALID_NUMBER = "invalidNumber"
    """The provider does not take the number for one. No other call to it would be placed."""

    ACCOUNT = "account"
    """The operator has to act: the token, the balance or the configuration is wrong."""

    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    """No connection was opened."""

    UNREADABLE = "unreadable"
    """An error of the provider's server, or an answer without a meaning: the phone may ring."""


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
        retry_after: Seconds to wait, where the provider throttles.
    """

    reason: str
    error_code: int | None = None
    retry_after: int | None = None
    kind: FailureKind = FailureKind.REFUSED


@dataclass(frozen=True, slots=True)
class Call:
    """The flash call of a verification. The caller's last four digits are never kept."""

    state: CallState
    caller_prefix: str | None = None
    caller_length: int | None = None
    status: CallStatus | None = None
    status_at: int | None = None
    """Unixtime in seconds, as the provider's callback gave it."""
    failure: Failure | None = None

    @property
    def provider_status(self) -> str | None:
        """The provider's word for what happened."""
        return self.status.word if self.status else None

    @property
    def number_rejected(self) -> bool:
        """Whether no other call to this number would be placed either."""
        return self.failure is not None and self.failure.kind is FailureKind.INVALID_NUMBER


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
    """One callback of the provider.

    Attributes:
        request_id: Opaque text.
        number: E.164.
        timestamp: Unixtime of the status change, in seconds.
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
    """No call, or none to rely on: where ``refund`` is False the phone may ring.

    Attributes:
        refund: Whether the start's quota is given back.
        provider_failing: Whether the provider is failing beside what ``kind`` says, so that any
            other call would have failed as well.
    """

    refund: bool = field(kw_only=True)
    provider_failing: bool = field(default=False, kw_only=True)


CallOutcome = Placed | Unknown | Failed
