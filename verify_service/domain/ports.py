"""What the rules need from outside: a store, a provider, an outbox, and two logs.

``store/``, ``provider/`` and ``telemetry/`` implement them; ``app.py`` connects them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from verify_service.domain.calls import CallOutcome, CallStatus
from verify_service.domain.check_result import CheckResult
from verify_service.domain.errors import (
    DestinationBlocked,
    DestinationNotAllowed,
    LimitReached,
)
from verify_service.domain.events import Result, Taken, TakenEvent
from verify_service.domain.idempotency import Nonce
from verify_service.domain.models import (
    CheckedGuess,
    DeliveryReport,
    NewVerification,
    Readiness,
    Reservation,
    Verification,
)
from verify_service.domain.redis_memory import RedisMemory


class Store(Protocol):
    """Stores verifications. Each method is one atomic decision.

    Every method raises StoreUnavailable. Those with a verification's id raise VerificationNotFound
    if the app has no such verification.
    """

    def reserve(self, new: NewVerification) -> Reservation:
        """Reserve a verification and count its start in every limit.

        Raises:
            LimitReached, DestinationBlocked, CallsPaused, CallsSuspended: The start is refused.
                Nothing is counted.
            KeyReused: Its Idempotency-Key is bound to a start with another body.
        """
        ...

    def record(self, new: NewVerification, outcome: CallOutcome) -> Verification:
        """Record the outcome of the call. A refund is given in every limit."""
        ...

    def check(
        self, verification_id: str, app: str, digests: Sequence[str], nonce: Nonce
    ) -> CheckedGuess:
        """Count one guess and compare it.

        Args:
            digests: The digests of the guess, one for each live key. One of them is the code's if
                the guess is right.
            nonce: A second check under the same nonce returns the first one's verdict.

        Raises:
            KeyReused: The nonce's Idempotency-Key came with another body.
        """
        ...

    def status(self, verification_id: str, app: str) -> Verification:
        """Read a verification."""
        ...

    def cancel(self, verification_id: str, app: str) -> Verification:
        """Cancel a pending verification. A final state does not change."""
        ...

    def record_callback(self, report: DeliveryReport) -> bool:
        """Record a callback; return whether it changed a call."""
        ...

    def ready(self) -> Readiness:
        """Return what prevents starts while the store works."""
        ...

    def warnings(self) -> tuple[CheckResult, ...]:
        """Return what weakens the store's guarantees and does not stop it. Raises nothing."""
        ...

    def memory(self) -> RedisMemory | None:
        """Return how much memory the store uses; None if that is not known. Raises nothing."""
        ...


class CallSlot(Protocol):
    """One of the calls that may be in flight."""

    def place(self, number: str, code: str) -> CallOutcome:
        """Ask the provider once to call ``number`` (E.164) from a number that ends in ``code``."""
        ...


class Provider(Protocol):
    """Places flash calls."""

    def status(self, word: str) -> CallStatus | None:
        """Return the meaning of a callback's status word; None if the word is unknown."""
        ...

    def reserve_slot(self) -> AbstractContextManager[CallSlot]:
        """Reserve a slot for one call, until the ``with`` block ends.

        Raises:
            TooManyCallsInFlight: None is free.
        """
        ...


class Outbox(Protocol):
    """The events that no receiver has accepted yet. Every method raises StoreUnavailable."""

    def take(self, room: Mapping[str, int]) -> Taken:
        """Take events that are due.

        Args:
            room: How many to take, by app.
        """
        ...

    def finish(self, taken: TakenEvent, result: Result, wait: float = 0) -> bool:
        """Record the result of a try; return whether another event can be taken now.

        Args:
            wait: Seconds until the next try, if it failed.
        """
        ...


class WebhookLog(Protocol):
    """Logs and counts how events fare on their way to the login flows. No method raises."""

    def tried(
        self, taken: TakenEvent, result: Result, http: int | None, problem: str, seconds: float
    ) -> None:
        """An event was posted to its receiver.

        Args:
            http: The status of the answer; None if there was none.
            problem: What happened instead, in a few words.
        """

    def dropped(self, app: str, number: int) -> None:
        """Events of an app were too old to be delivered."""

    def lost(self, app: str, number: int) -> None:
        """Events of an app fell out of its outbox, which is full."""

    def bug(self, error: Exception) -> None:
        """An unexpected error in the delivery of events."""


class EventLog(Protocol):
    """Logs and counts what happened. No method raises."""

    def started(self, verification: Verification, outcome: CallOutcome, seconds: float) -> None:
        """The outcome of a start's call was recorded. The provider took this many seconds."""

    def call_in_flight(self) -> AbstractContextManager[object]:
        """The provider is asked for a call during the ``with`` block."""
        ...

    def start_repeated(self, verification: Verification) -> None:
        """A start was repeated under its Idempotency-Key."""

    def refused(self, new: NewVerification, limit: LimitReached) -> None:
        """A limit refused a start."""

    def blocked(self, new: NewVerification, block: DestinationBlocked) -> None:
        """The operator's block refused a start."""

    def paused(self, number: str) -> None:
        """The operator's pause refused a start."""

    def refused_by_breaker(self, number: str, seconds: int) -> None:
        """The breaker refused a start, for this many seconds."""

    def destination_refused(
        self, number: str, refused: DestinationNotAllowed, *, dry: bool
    ) -> None:
        """A number's country, type or range is not allowed. With ``dry`` it is called anyway."""

    def warned(self, warnings: tuple[CheckResult, ...]) -> None:
        """These warnings are in force. The same ones are written once."""

    def not_recorded(self, verification: Verification, error: Exception) -> None:
        """The store did not record the outcome of a call."""

    def checked(self, checked: CheckedGuess) -> None:
        """A guess was compared, or not compared."""

    def read(self, verification: Verification) -> None:
        """A login flow asked for a verification, or canceled it."""

    def called_back(self, report: DeliveryReport, applied: bool) -> None:
        """A callback was recorded."""

    def unknown_status(self, number: str, status: str) -> None:
        """A callback has a status word that the provider's page does not list."""

    def callback_refused(self, reason: str, detail: str | None = None) -> None:
        """A callback was refused.

        Args:
            reason: The API's word for it.
            detail: Names of fields, or what is wrong with them; never a value.
        """
