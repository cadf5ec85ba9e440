"""What the use cases need of the world. ``store/``, ``provider/`` and ``journal.py`` fill it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from verify_service.domain.errors import DestinationNotAllowed, LimitReached
from verify_service.domain.idempotency import Nonce
from verify_service.domain.models import (
    CallOutcome,
    CallStatus,
    CheckedGuess,
    DeliveryReport,
    NewVerification,
    Readiness,
    Reservation,
    Verification,
)


class Store(Protocol):
    """Where verifications live. Each method is one atomic decision.

    All of them raise StoreUnavailable; those about a verification raise VerificationNotFound where
    there is none for the app.
    """

    def reserve(self, draft: NewVerification) -> Reservation:
        """Reserve a verification and count the start in every limit, or raise why not."""
        ...

    def record(self, draft: NewVerification, outcome: CallOutcome) -> Verification:
        """Keep what the provider did; a refund gives the start back in all limits."""
        ...

    def check(
        self, verification_id: str, app: str, digests: Sequence[str], nonce: Nonce
    ) -> CheckedGuess:
        """Count and compare one guess; ``digests`` are those that would be right."""
        ...

    def status(self, verification_id: str, app: str) -> Verification:
        """Read a verification."""
        ...

    def cancel(self, verification_id: str, app: str) -> Verification:
        """End a pending verification; a final one stays what it is."""
        ...

    def record_callback(self, report: DeliveryReport) -> bool:
        """Keep what a callback says; return whether it changed what is known of a call."""
        ...

    def ready(self) -> Readiness:
        """Return what keeps starts from being served though the store works."""
        ...


class CallSlot(AbstractContextManager["CallSlot"], Protocol):
    """A place among the calls in flight."""

    def place(self, number: str, code: str) -> CallOutcome:
        """Ask the provider, once, to ring an E.164 number from one that ends in the code."""
        ...


class Provider(Protocol):
    """Places flash calls."""

    def status(self, word: str) -> CallStatus | None:
        """Return what a callback's status word means; None for a word that is not known."""
        ...

    def reserve_slot(self) -> CallSlot:
        """Take a place among the calls in flight. Raises TooManyCallsInFlight."""
        ...


class EventLog(Protocol):
    """What writes logs and counts metrics. No method raises."""

    def started(self, verification: Verification, outcome: CallOutcome) -> None:
        """The outcome of a start's call is recorded."""

    def start_repeated(self, verification: Verification) -> None:
        """A start came again under its Idempotency-Key."""

    def refused(self, draft: NewVerification, limit: LimitReached) -> None:
        """A limit refused a start."""

    def paused(self, number: str) -> None:
        """The operator's pause refused a start."""

    def refused_by_breaker(self, seconds: int) -> None:
        """The breaker refused a start, for so many seconds."""

    def destination_refused(
        self, number: str, refused: DestinationNotAllowed, *, dry: bool
    ) -> None:
        """A number's country, type or range is not allowed; with ``dry`` it is called anyway."""

    def not_recorded(self, verification: Verification, error: Exception) -> None:
        """The store did not take the outcome of a call."""

    def checked(self, checked: CheckedGuess) -> None:
        """A guess was compared, or refused."""

    def canceled(self, verification: Verification) -> None:
        """A login flow canceled a verification."""

    def called_back(self, report: DeliveryReport, applied: bool) -> None:
        """A callback was understood."""

    def unknown_status(self, number: str, status: str) -> None:
        """A callback has a status that the provider's page does not have."""
