"""What the use cases, the store and the API exchange.

Moments are unixtime in milliseconds by Redis' clock, unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from verify_service.domain.calls import Call, CallStatus
from verify_service.domain.check_result import CheckResult


class State(StrEnum):
    """The state of a verification. All but ``pending`` are final."""

    PENDING = "pending"
    APPROVED = "approved"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    CANCELED = "canceled"
    FAILED = "failed"


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
    """Not compared: the verification has ended."""

    BLOCKED = "blocked"
    """Not compared: the number's guess budget is spent, or the number is locked."""


def whole_seconds(milliseconds: int) -> int:
    """Return whole seconds, rounded up, so that a limit has ended after them."""
    return -(-milliseconds // 1000)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An app and the SHA-256 of one of its keys."""

    app: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """A limit that a number has to wait for."""

    limit: str
    milliseconds: int

    @property
    def seconds(self) -> int:
        """Whole seconds, rounded up, so that the limit has ended after them."""
        return whole_seconds(self.milliseconds)


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification as Redis had it at the moment ``now``.

    Attributes:
        number: Full E.164.
        guess_block: Why no guess is compared: ``failures`` or ``locked``.
        test: Whether the number is a test number, which is not called.
        restart: The one of the number's own limits for which a new start waits longest.
    """

    id: str
    app: str
    number: str = field(repr=False)
    state: State
    checks_left: int
    created_at: int
    expires_at: int
    now: int
    call: Call
    reference: str | None = None
    guess_block: Wait | None = None
    test: bool = False
    restart: Wait | None = None

    @property
    def expires_in(self) -> int:
        """Whole seconds, rounded up, for which a code can be entered; 0 after the end."""
        if self.state is not State.PENDING:
            return 0
        return max(0, whole_seconds(self.expires_at - self.now))

    @property
    def restart_in(self) -> int:
        """Whole seconds until this number's own limits allow a new start."""
        return self.restart.seconds if self.restart else 0


@dataclass(frozen=True, slots=True)
class Binding:
    """A start's Idempotency-Key.

    Attributes:
        name: Digest of the key within its app.
        body: Digest of the request's body.
    """

    name: str
    body: str


@dataclass(frozen=True, slots=True)
class NewVerification:
    """A verification that a start asks the store to reserve.

    Attributes:
        digest: The code's.
        test_code: The code of a test number, which is not called.
        device: Digest of the device, if the login flow sent a ``deviceId``.
        client: Digest of the end user's network, if the login flow sent a ``clientIp``.
        country: ISO 3166 code.
        idempotency: Its Idempotency-Key, if it has one.
    """

    id: str
    app: str
    number: str = field(repr=False)
    reference: str | None
    digest: str = field(default="", repr=False)
    test_code: str | None = field(default=None, repr=False)
    device: str = ""
    client: str = ""
    country: str = ""
    idempotency: Binding | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """The result of reserving a verification.

    Attributes:
        probe: Whether it is the one start with which the breaker tries the provider.
        earlier: Whether the verification is that of an earlier start with the same
            Idempotency-Key and body.
    """

    verification: Verification
    probe: bool = False
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class Readiness:
    """What prevents starts while Redis works.

    Attributes:
        calls_paused: The operator has paused all calls.
        breaker_open: The breaker has paused them because the provider fails.
        warnings: What weakens the guarantees and does not stop it.
    """

    calls_paused: bool
    breaker_open: bool
    warnings: tuple[CheckResult, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckedGuess:
    """The result of one check.

    Attributes:
        repeated: Whether the guess was checked before, under the same nonce.
    """

    verdict: Verdict
    verification: Verification
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """One callback of the provider.

    Attributes:
        request_id: The provider's name of the call: opaque text.
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
