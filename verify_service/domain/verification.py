"""The use cases: start, check, status, cancel, record_callback.

What they need of the world is in ``ports.py``; ``app.py`` joins them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from verify_service.domain import codes
from verify_service.domain.breaker import PROBE_CALLS_WITHIN_SECONDS, PROBE_TOO_LATE
from verify_service.domain.calls import Call, CallOutcome, CallState, Failed, Placed, Unknown
from verify_service.domain.codes import CodeDigester
from verify_service.domain.errors import (
    CallFailed,
    CallsPaused,
    CallsSuspended,
    DestinationNotAllowed,
    InvalidCallback,
    KeyInFlight,
    LimitReached,
    NumberRejected,
    StoreUnavailable,
    VerificationNotFound,
)
from verify_service.domain.idempotency import IdempotencyKeys, KeyedRequest
from verify_service.domain.ids import VerificationIds
from verify_service.domain.limits import DAY
from verify_service.domain.models import (
    DeliveryReport,
    NewVerification,
    NextAction,
    Readiness,
    Reservation,
    State,
    Verdict,
    Verification,
)
from verify_service.domain.next_action import Timing, VerificationView, view
from verify_service.domain.numbers import Destinations, country_of, parse_callback_number
from verify_service.domain.ports import EventLog, Provider, Store
from verify_service.domain.scopes import network_of
from verify_service.domain.test_numbers import TestNumbers

_MILLISECONDS_FROM = 100_000_000_000
"""A unixtime this large is in milliseconds: in seconds it would be the year 5138."""


@dataclass(frozen=True, slots=True)
class CheckView:
    """The result of a check, and where the verification stands after it."""

    verdict: Verdict
    view: VerificationView

    @property
    def verified(self) -> bool:
        """Whether this answer, and no other, logs the person in."""
        return self.verdict is Verdict.RIGHT


@dataclass(frozen=True, slots=True)
class Verifications:
    """Everything a login flow or the provider may ask of us."""

    store: Store
    provider: Provider
    events: EventLog
    destinations: Destinations
    test_numbers_in_force: TestNumbers
    ids: VerificationIds
    digester: CodeDigester
    idempotency: IdempotencyKeys
    timing: Timing
    try_destinations: bool = False
    """Whether destinations that are not allowed are only counted and logged (dry run)."""
    clock: Callable[[], float] = time.monotonic

    def draft(
        self,
        app: str,
        number: str,
        reference: str | None = None,
        *,
        device_id: str | None = None,
        client_ip: IPv4Address | IPv6Address | None = None,
        keyed_request: KeyedRequest | None = None,
    ) -> NewVerification:
        """Return what a start of this number would reserve.

        Args:
            client_ip: The address of the person's device.
            device_id: The login flow's own name for the person's device. One that verified the
                number before has a budget of its own.
            repeatable: The request's Idempotency-Key and body, where it has a key.

        Raises:
            InvalidNumber, DestinationNotAllowed: Not a number to be called.
        """
        fixed = self.test_numbers_in_force.of(number)
        e164 = fixed.number if fixed else self._accept(number)
        return NewVerification(
            self.ids.mint(e164),
            app,
            e164,
            reference,
            test_code=fixed.code if fixed else None,
            device=self.ids.device(e164, app, device_id) if device_id else "",
            client=self.ids.client(network_of(client_ip)) if client_ip else "",
            country=country_of(e164),
            idempotency=self.idempotency.binding(app, keyed_request) if keyed_request else None,
        )

    def start(self, draft: NewVerification) -> VerificationView:
        """Reserve a verification, then have the phone rung once.

        Nothing is called without a reservation, and nothing in Redis is held meanwhile. A start
        that comes again under its Idempotency-Key places no call: it returns how the first one
        stands.

        Raises:
            TooManyCallsInFlight: No place for another call; nothing was reserved.
            CallsSuspended: The breaker has paused calls; nothing was reserved.
            CallsPaused: The operator has.
            LimitReached: The number has to wait, or a limit over many; no call was placed.
            KeyReused: The Idempotency-Key belongs to a start with another body.
            KeyInFlight: The first start under the key has no outcome yet.
            StoreUnavailable: Redis is gone; no call was placed.
            CallFailed: Reserved, but the provider refused the call or its answer is no use.
        """
        if draft.test_code is not None:
            placed = Placed(f"test {draft.id}", None, None)
            return self._start(draft, draft.test_code, lambda _: placed)
        code, asked_at = codes.draw(), self.clock()
        with self.provider.reserve_slot() as line:

            def call(reservation: Reservation) -> CallOutcome:
                late = self.clock() - asked_at > PROBE_CALLS_WITHIN_SECONDS
                if reservation.probe and late:
                    return PROBE_TOO_LATE
                return line.place(draft.number, code)

            return self._start(draft, code, call)

    def start_result(self, started: Verification) -> VerificationView:
        """Return the result of a start: the same one whenever it is asked.

        Raises:
            CallFailed: As :meth:`start`.
        """
        stands = view(started, self.timing)
        if started.call.failure:
            error = NumberRejected if started.call.number_rejected else CallFailed
            raise error(stands, started.call.failure)
        return stands

    def check(
        self, app: str, verification_id: str, code: str, keyed_request: KeyedRequest | None = None
    ) -> CheckView:
        """Compare one guess of four digits. Verified is true once, for the right code.

        Args:
            repeatable: The request's Idempotency-Key and body, where it has a key: a check that
                comes again under it is not compared again.

        Raises:
            VerificationNotFound: No such verification for this app.
            KeyReused: The Idempotency-Key belongs to a check with another body.
            StoreUnavailable: Redis is gone; no code is accepted.
        """
        digests = self.digester.candidates(verification_id, code)
        nonce = self.idempotency.nonce(app, verification_id, keyed_request)
        checked = self.store.check(verification_id, app, digests, nonce)
        self.events.checked(checked)
        stands = view(checked.verification, self.timing)
        if checked.verdict is Verdict.RIGHT:
            stands = replace(stands, next_action=NextAction.DONE)
        return CheckView(checked.verdict, stands)

    def readiness(self) -> Readiness:
        """Return what keeps starts from being served; StoreUnavailable where nothing can be."""
        return self.store.ready()

    def status(self, app: str, verification_id: str) -> VerificationView:
        """Read a verification as it stands. Raises as :meth:`check`."""
        return view(self.store.status(verification_id, app), self.timing)

    def cancel(self, app: str, verification_id: str) -> VerificationView:
        """End a pending verification; a final one stays what it is. Raises as :meth:`check`."""
        verification = self.store.cancel(verification_id, app)
        self.events.canceled(verification)
        return view(verification, self.timing)

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
        e164 = parse_callback_number(number)
        seconds = timestamp // 1000 if timestamp >= _MILLISECONDS_FROM else timestamp
        if seconds > time.time() + DAY:
            raise InvalidCallback("The timestamp lies more than a day ahead.")
        known = self.provider.status(status)
        if known is None:
            self.events.unknown_status(e164, status)
            return False
        report = DeliveryReport(request_id, e164, known, seconds)
        applied = self.store.record_callback(report)
        self.events.called_back(report, applied)
        return applied

    def _accept(self, number: str) -> str:
        try:
            return self.destinations.accept(number)
        except DestinationNotAllowed as refused:
            self.events.destination_refused(refused.number, refused, dry=self.try_destinations)
            if not self.try_destinations:
                raise
            return refused.number

    def _start(
        self, draft: NewVerification, code: str, call: Callable[[Reservation], CallOutcome]
    ) -> VerificationView:
        reservation = self._reserve(draft, code)
        if reservation.earlier:
            return self._repeat(reservation.verification)
        try:
            outcome = call(reservation)
        except BaseException:
            self._record(draft, reservation, Unknown("It ended on our side.", ours=True))
            raise
        recorded = self._record(draft, reservation, outcome)
        self.events.started(recorded, outcome)
        return self.start_result(recorded)

    def _reserve(self, draft: NewVerification, code: str) -> Reservation:
        digest = self.digester.sign(draft.id, code)
        try:
            return self.store.reserve(replace(draft, digest=digest))
        except LimitReached as limit:
            self.events.refused(draft, limit)
            raise
        except CallsPaused:
            self.events.paused(draft.number)
            raise
        except CallsSuspended as held:
            self.events.refused_by_breaker(held.retry_after)
            raise

    def _record(
        self, draft: NewVerification, reservation: Reservation, outcome: CallOutcome
    ) -> Verification:
        try:
            return self.store.record(draft, outcome)
        except (StoreUnavailable, VerificationNotFound) as error:
            # The phone may be ringing: return what the provider said. The reservation stands.
            self.events.not_recorded(reservation.verification, error)
            return _unrecorded(reservation.verification, outcome)

    def _repeat(self, earlier: Verification) -> VerificationView:
        """Return how the first start under an Idempotency-Key stands."""
        age = earlier.now - earlier.created_at
        if earlier.call.state is CallState.PLACING and age < self.timing.in_flight:
            raise KeyInFlight
        self.events.start_repeated(earlier)
        return self.start_result(earlier)


def _unrecorded(reserved: Verification, outcome: CallOutcome) -> Verification:
    match outcome:
        case Placed(_, prefix, length):
            return replace(reserved, call=Call(CallState.PLACED, prefix, length))
        case Unknown():
            return replace(reserved, call=Call(CallState.UNKNOWN))
        case Failed():
            call = Call(CallState.FAILED, failure=outcome)
            return replace(reserved, state=State.FAILED, call=call)
