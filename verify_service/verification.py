"""The use cases: start, check, status, cancel, record_callback.

What they need of the world they declare below as protocols; ``store/``, ``provider/`` and
``journal.py`` fill them, ``app.py`` joins them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from verify_service import codes
from verify_service.advice import Standing, Timing, standing
from verify_service.codes import CodeDigester
from verify_service.errors import (
    CallFailed,
    InvalidCallback,
    LimitReached,
    StoreUnavailable,
    VerificationNotFound,
)
from verify_service.ids import IdMint
from verify_service.models import (
    Call,
    CallState,
    CallStatus,
    Checked,
    Draft,
    NextAction,
    Report,
    State,
    Verdict,
    Verification,
)
from verify_service.numbers import Destinations, canonical
from verify_service.outcomes import Failed, Outcome, Placed, Unknown
from verify_service.policy import DAY

NONCE_BYTES = 12
_MILLISECONDS_FROM = 100_000_000_000
"""A unixtime this large is in milliseconds: in seconds it would be the year 5138."""


class Store(Protocol):
    """Where verifications live. Each method is one atomic decision."""

    def reserve(self, draft: Draft) -> Verification: ...
    def record(self, verification_id: str, outcome: Outcome) -> Verification: ...
    def check(
        self, verification_id: str, app: str, digests: Sequence[str], nonce: str
    ) -> Checked: ...
    def status(self, verification_id: str, app: str) -> Verification: ...
    def cancel(self, verification_id: str, app: str) -> Verification: ...
    def record_callback(self, report: Report) -> bool: ...
    def ping(self) -> None: ...


class Line(AbstractContextManager["Line"], Protocol):
    """A place among the calls in flight."""

    def place(self, number: str, code: str) -> Outcome: ...


class Provider(Protocol):
    """Who rings the phone."""

    def admit(self) -> Line: ...


class Journal(Protocol):
    """Who writes down what happened: logs and counters."""

    def started(self, verification: Verification, outcome: Outcome) -> None: ...
    def refused(self, number: str, limit: LimitReached) -> None: ...
    def not_recorded(self, verification: Verification, error: Exception) -> None: ...
    def checked(self, checked: Checked) -> None: ...
    def canceled(self, verification: Verification) -> None: ...
    def called_back(self, report: Report, applied: bool) -> None: ...
    def unknown_status(self, number: str, status: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check came to, and where the verification stands after it."""

    verdict: Verdict
    standing: Standing

    @property
    def verified(self) -> bool:
        """Whether this answer, and no other, logs the person in."""
        return self.verdict is Verdict.RIGHT


@dataclass(frozen=True, slots=True)
class Verifications:
    """Everything a login flow or the provider may ask of us."""

    store: Store
    provider: Provider
    journal: Journal
    destinations: Destinations
    ids: IdMint
    digester: CodeDigester
    timing: Timing

    def start(self, app: str, number: str, reference: str | None = None) -> Standing:
        """Reserve a verification, then have the phone rung once.

        Nothing is called without a reservation, and nothing in Redis is held meanwhile.

        Raises:
            InvalidNumber, DestinationNotAllowed: Not a number to be called.
            TooManyCallsInFlight: No place for another call; nothing was reserved.
            LimitReached: The number has to wait; nobody was called.
            StoreUnavailable: Redis is gone; nobody was called.
            CallFailed: Reserved, but the provider refused the call or its answer is no use.
        """
        e164 = self.destinations.accept(number)
        with self.provider.admit() as line:
            code = codes.draw()
            reserved = self._reserve(app, e164, code, reference)
            outcome = line.place(e164, code)
        recorded = self._record(reserved, outcome)
        self.journal.started(recorded, outcome)
        if isinstance(outcome, Failed):
            raise CallFailed(self._stand(recorded), outcome)
        return self._stand(recorded)

    def check(self, app: str, verification_id: str, code: str) -> Answer:
        """Compare one guess of four digits. Verified is true once, for the right code.

        Raises:
            VerificationNotFound: No such verification for this app.
            StoreUnavailable: Redis is gone; nobody is verified.
        """
        checked = self.store.check(
            verification_id,
            app,
            self.digester.candidates(verification_id, code),
            secrets.token_urlsafe(NONCE_BYTES),
        )
        self.journal.checked(checked)
        answer = Answer(checked.verdict, self._stand(checked.verification))
        if answer.verified:
            done = replace(answer.standing, next_action=NextAction.DONE)
            return replace(answer, standing=done)
        return answer

    def ping(self) -> None:
        """Raise StoreUnavailable unless starts and checks can be served."""
        self.store.ping()

    def status(self, app: str, verification_id: str) -> Standing:
        """Read a verification as it stands. Raises as :meth:`check`."""
        return self._stand(self.store.status(verification_id, app))

    def cancel(self, app: str, verification_id: str) -> Standing:
        """End a pending verification; a final one stays what it is. Raises as :meth:`check`."""
        verification = self.store.cancel(verification_id, app)
        self.journal.canceled(verification)
        return self._stand(verification)

    def record_callback(self, request_id: str, number: str, status: str, timestamp: int) -> bool:
        """Take what the provider says of a call; return whether it changed anything.

        A callback marks a call delivered or undelivered. It never verifies anybody.

        Args:
            timestamp: Unixtime of the status change, in seconds, or milliseconds by its size.

        Raises:
            InvalidNumber: The number is none.
            InvalidCallback: The timestamp lies more than a day ahead.
            StoreUnavailable: Redis is gone; the provider may try again.
        """
        e164 = canonical(number)
        seconds = timestamp // 1000 if timestamp >= _MILLISECONDS_FROM else timestamp
        if seconds > time.time() + DAY:
            raise InvalidCallback("The timestamp lies more than a day ahead.")
        if status not in CallStatus.__members__:
            self.journal.unknown_status(e164, status)
            return False
        report = Report(request_id, e164, CallStatus[status], seconds)
        applied = self.store.record_callback(report)
        self.journal.called_back(report, applied)
        return applied

    def _reserve(self, app: str, number: str, code: str, reference: str | None) -> Verification:
        new_id = self.ids.mint(number)
        digest = self.digester.sign(new_id, code)
        try:
            return self.store.reserve(Draft(new_id, app, number, digest, reference))
        except LimitReached as limit:
            self.journal.refused(number, limit)
            raise

    def _record(self, reserved: Verification, outcome: Outcome) -> Verification:
        try:
            return self.store.record(reserved.id, outcome)
        except (StoreUnavailable, VerificationNotFound) as error:
            # The phone may be ringing: what the provider said is told, the reservation stands.
            self.journal.not_recorded(reserved, error)
            return _unrecorded(reserved, outcome)

    def _stand(self, verification: Verification) -> Standing:
        return standing(verification, self.timing)


def _unrecorded(reserved: Verification, outcome: Outcome) -> Verification:
    match outcome:
        case Placed(_, prefix, length):
            return replace(reserved, call=Call(CallState.PLACED, prefix, length))
        case Unknown():
            return replace(reserved, call=Call(CallState.UNKNOWN))
        case Failed(invalid_number=invalid):
            call = Call(CallState.FAILED, invalid_number=invalid)
            return replace(reserved, state=State.FAILED, call=call)
