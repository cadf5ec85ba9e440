"""The use cases: start, check, status, cancel, record_callback.

What they need of the world is in ``ports.py``; ``app.py`` joins them.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from verify_service import codes
from verify_service.advice import Standing, Timing, standing
from verify_service.breaker import Breaker, Sign
from verify_service.codes import CodeDigester
from verify_service.errors import (
    CallFailed,
    CallsPaused,
    CallsSuspended,
    DestinationNotAllowed,
    InvalidCallback,
    LimitReached,
    StoreUnavailable,
    VerificationNotFound,
)
from verify_service.fixed_codes import FixedCodes
from verify_service.guards.places import network_of
from verify_service.ids import IdMint
from verify_service.models import (
    Call,
    CallState,
    CallStatus,
    Draft,
    NextAction,
    Report,
    State,
    Verdict,
    Verification,
)
from verify_service.numbers import Destinations, canonical, country_of
from verify_service.outcomes import Failed, Outcome, Placed, Unknown
from verify_service.policy import DAY
from verify_service.ports import Journal, Provider, Store

NONCE_BYTES = 12
_MILLISECONDS_FROM = 100_000_000_000
"""A unixtime this large is in milliseconds: in seconds it would be the year 5138."""


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
    fixed_codes: FixedCodes
    ids: IdMint
    digester: CodeDigester
    timing: Timing
    breaker: Breaker
    try_destinations: bool = False
    """Whether destinations that are not allowed are only counted and logged (dry run)."""

    def draft(
        self,
        app: str,
        number: str,
        reference: str | None = None,
        *,
        device_id: str | None = None,
        client_ip: IPv4Address | IPv6Address | None = None,
    ) -> Draft:
        """Return what a start of this number would reserve.

        Args:
            client_ip: The address of the person's device.
            device_id: The login flow's own name for the person's device. One that verified the
                number before has a lane of its own.

        Raises:
            InvalidNumber, DestinationNotAllowed: Not a number to be called.
        """
        fixed = self.fixed_codes.of(number)
        e164 = fixed.number if fixed else self._accept(number)
        return Draft(
            self.ids.mint(e164),
            app,
            e164,
            reference,
            test_code=fixed.code if fixed else None,
            device=self.ids.device(e164, app, device_id) if device_id else "",
            client=self.ids.client(network_of(client_ip)) if client_ip else "",
            country=country_of(e164),
        )

    def start(self, draft: Draft) -> Standing:
        """Reserve a verification, then have the phone rung once.

        Nothing is called without a reservation, and nothing in Redis is held meanwhile.

        Raises:
            TooManyCallsInFlight: No place for another call; nothing was reserved.
            CallsSuspended: The breaker has paused calls; nothing was reserved.
            CallsPaused: The operator has.
            LimitReached: The number has to wait, or a wider limit; nobody was called.
            AlreadyReserved: Somebody else was faster under the same id; they called.
            StoreUnavailable: Redis is gone; nobody was called.
            CallFailed: Reserved, but the provider refused the call or its answer is no use.
        """
        if draft.test_code is not None:
            return self._start_test(draft, draft.test_code)
        with self.breaker.watching() as watch, self.provider.admit() as line:
            code = codes.draw()
            reserved = self._reserve(draft, code)
            outcome = watch.call(reserved, lambda: line.place(draft.number, code))
        recorded = self._record(reserved, outcome, watch.sign)
        self.journal.started(recorded, outcome)
        return self.told(recorded)

    def told(self, started: Verification) -> Standing:
        """Say what a start came to; in the same words whenever it is asked.

        Raises:
            CallFailed: As :meth:`start`.
        """
        stands = self._stand(started)
        if started.call.failure:
            raise CallFailed(stands, started.call.failure)
        return stands

    def check(self, app: str, verification_id: str, code: str, nonce: str = "") -> Answer:
        """Compare one guess of four digits. Verified is true once, for the right code.

        Args:
            nonce: The guess by name: under the same one it is not compared again.

        Raises:
            VerificationNotFound: No such verification for this app.
            StoreUnavailable: Redis is gone; nobody is verified.
        """
        digests = self.digester.candidates(verification_id, code)
        keyed = bool(nonce)
        nonce = nonce or secrets.token_urlsafe(NONCE_BYTES)
        checked = self.store.check(verification_id, app, digests, nonce, keyed=keyed)
        self.journal.checked(checked)
        return self.answer(checked.verdict, checked.verification)

    def answer(self, verdict: Verdict, verification: Verification) -> Answer:
        """Say what a check came to, and how the verification stands now."""
        stands = self._stand(verification)
        if verdict is Verdict.RIGHT:
            stands = replace(stands, next_action=NextAction.DONE)
        return Answer(verdict, stands)

    def ping(self) -> bool:
        """Return whether calls are paused; StoreUnavailable where nothing can be served."""
        return self.store.ping()

    def held_back(self) -> bool:
        """Tell whether the breaker has paused calls."""
        return self.breaker.is_open()

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

    def _accept(self, number: str) -> str:
        try:
            return self.destinations.accept(number)
        except DestinationNotAllowed as refused:
            self.journal.destination_refused(refused.number, refused, dry=self.try_destinations)
            if not self.try_destinations:
                raise
            return refused.number

    def _start_test(self, draft: Draft, code: str) -> Standing:
        reserved = self._reserve(draft, code)
        recorded = self._record(reserved, Placed(f"test {draft.id}", None, None))
        self.journal.test_started(recorded)
        return self.told(recorded)

    def _reserve(self, draft: Draft, code: str) -> Verification:
        digest = self.digester.sign(draft.id, code)
        try:
            return self.store.reserve(replace(draft, digest=digest))
        except LimitReached as limit:
            self.journal.refused(draft, limit)
            raise
        except CallsPaused:
            self.journal.paused(draft.number)
            raise
        except CallsSuspended as held:
            self.journal.held_back(held.retry_after)
            raise

    def _record(
        self, reserved: Verification, outcome: Outcome, sign: Sign | None = None
    ) -> Verification:
        try:
            return self.store.record(reserved.id, outcome, reserved.ticket, sign)
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
        case Failed():
            call = Call(CallState.FAILED, failure=outcome)
            return replace(reserved, state=State.FAILED, call=call)
