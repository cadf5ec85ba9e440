"""The use cases: start, check, status, cancel, record_callback.

``ports.py`` has what they need from outside; ``app.py`` connects them.
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
    DestinationBlocked,
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
from verify_service.domain.next_action import Timing, VerificationView, view_of
from verify_service.domain.numbers import Destinations, country_of, parse_callback_number
from verify_service.domain.ports import EventLog, Provider, Store
from verify_service.domain.scopes import network_of
from verify_service.domain.test_numbers import TestNumbers

_MILLISECONDS_FROM = 100_000_000_000
"""A unixtime of this size is in milliseconds. In seconds it would be in the year 5138."""


@dataclass(frozen=True, slots=True)
class CheckView:
    """The result of a check, and the verification after it."""

    verdict: Verdict
    view: VerificationView

    @property
    def verified(self) -> bool:
        """Whether this answer, and only this one, logs the person in."""
        return self.verdict is Verdict.RIGHT


@dataclass(frozen=True, slots=True)
class Verifications:
    """Everything that a login flow or the provider can ask for.

    Attributes:
        destinations_dry_run: Whether destinations that are not allowed are only counted and logged.
        clock: Monotonic seconds.
    """

    store: Store
    provider: Provider
    events: EventLog
    destinations: Destinations
    test_numbers: TestNumbers
    ids: VerificationIds
    digester: CodeDigester
    idempotency: IdempotencyKeys
    timing: Timing
    destinations_dry_run: bool = False
    clock: Callable[[], float] = time.monotonic

    def prepare(
        self,
        app: str,
        number: str,
        reference: str | None = None,
        *,
        country: str | None = None,
        device_id: str | None = None,
        client_ip: IPv4Address | IPv6Address | None = None,
        keyed_request: KeyedRequest | None = None,
    ) -> NewVerification:
        """Return the verification that a start would reserve.

        Args:
            country: The country whose national spellings of numbers are read (ISO 3166).
            client_ip: The address of the person's device.
            device_id: The login flow's name of the person's device. A device that verified the
                number before has a budget of its own.
            keyed_request: The request's Idempotency-Key and body, if it has a key.

        Raises:
            InvalidNumber: The text is not a valid number.
            DestinationNotAllowed: Calls to the number are not allowed.
        """
        fixed = self.test_numbers.find(number, country)
        e164 = fixed.number if fixed else self._require_allowed(number, country)
        return NewVerification(
            self.ids.create(e164),
            app,
            e164,
            reference,
            test_code=fixed.code if fixed else None,
            device=self.ids.device(e164, app, device_id) if device_id else "",
            client=self.ids.client(network_of(client_ip)) if client_ip else "",
            country=country_of(e164),
            idempotency=self.idempotency.binding(app, keyed_request) if keyed_request else None,
        )

    def start(self, new: NewVerification) -> VerificationView:
        """Reserve a verification, then have the provider place one call.

        No call is placed without a reservation, and nothing in Redis is locked during the call. A
        start that is repeated under its Idempotency-Key places no call: it returns the first one's
        verification as it is now.

        Raises:
            TooManyCallsInFlight: No slot for another call is free; nothing was reserved.
            CallsSuspended: The breaker has paused calls; nothing was reserved.
            CallsPaused: The operator has paused calls; nothing was reserved.
            DestinationBlocked: The operator has blocked the number's prefix; nothing was reserved.
            LimitReached: A limit refused the start; nothing was reserved.
            KeyReused: The Idempotency-Key came with another body before.
            KeyInFlight: The first start with the Idempotency-Key is still in progress.
            StoreUnavailable: Redis cannot work; no call was placed.
            CallFailed: The verification was reserved, and its call was not placed.
        """
        if new.test_code is not None:
            placed = Placed(f"test {new.id}", None, None)
            return self._start(new, new.test_code, lambda _: placed)
        code, started_at = codes.draw(), self.clock()
        with self.provider.reserve_slot() as slot:

            def call(reservation: Reservation) -> CallOutcome:
                late = self.clock() - started_at > PROBE_CALLS_WITHIN_SECONDS
                if reservation.probe and late:
                    return PROBE_TOO_LATE
                return slot.place(new.number, code)

            return self._start(new, code, call)

    def check(
        self, app: str, verification_id: str, code: str, keyed_request: KeyedRequest | None = None
    ) -> CheckView:
        """Compare one guess of four digits. It is verified once, for the right code.

        Args:
            keyed_request: The request's Idempotency-Key and body, if it has a key. A repeated check
                is not compared again.

        Raises:
            VerificationNotFound: The app has no such verification.
            KeyReused: The Idempotency-Key came with another body before.
            StoreUnavailable: Redis cannot work; no code is accepted.
        """
        digests = self.digester.candidates(verification_id, code)
        nonce = self.idempotency.nonce(app, verification_id, keyed_request)
        checked = self.store.check(verification_id, app, digests, nonce)
        self.events.checked(checked)
        view = view_of(checked.verification, self.timing)
        if checked.verdict is Verdict.RIGHT:
            view = replace(view, next_action=NextAction.DONE)
        return CheckView(checked.verdict, view)

    def readiness(self) -> Readiness:
        """Return what prevents starts. Raises StoreUnavailable if Redis cannot work."""
        ready = replace(self.store.ready(), warnings=self.store.warnings())
        self.events.warned(ready.warnings)
        return ready

    def status(self, app: str, verification_id: str) -> VerificationView:
        """Return a verification. Raises as :meth:`check`."""
        verification = self.store.status(verification_id, app)
        self.events.read(verification)
        return view_of(verification, self.timing)

    def cancel(self, app: str, verification_id: str) -> VerificationView:
        """Cancel a pending verification. A final state does not change. Raises as :meth:`check`."""
        verification = self.store.cancel(verification_id, app)
        self.events.read(verification)
        return view_of(verification, self.timing)

    def record_callback(self, request_id: str, number: str, status: str, timestamp: int) -> bool:
        """Record what the provider reports of a call; return whether it changed the call.

        A callback marks a call delivered or undelivered. It never verifies a number.

        Args:
            timestamp: Unixtime of the status change: seconds, or milliseconds by its size.

        Raises:
            InvalidNumber: The text is not a number.
            InvalidCallback: The timestamp is more than a day ahead.
            StoreUnavailable: Redis cannot work; the provider may repeat the callback.
        """
        e164 = parse_callback_number(number)
        seconds = timestamp // 1000 if timestamp >= _MILLISECONDS_FROM else timestamp
        if seconds > time.time() + DAY:
            raise InvalidCallback("The timestamp is more than a day ahead.")
        known = self.provider.status(status)
        if known is None:
            self.events.unknown_status(e164, status)
            return False
        report = DeliveryReport(request_id, e164, known, seconds)
        applied = self.store.record_callback(report)
        self.events.called_back(report, applied)
        return applied

    def _require_allowed(self, number: str, country: str | None) -> str:
        try:
            return self.destinations.require_allowed(number, country)
        except DestinationNotAllowed as refused:
            self.events.destination_refused(refused.number, refused, dry=self.destinations_dry_run)
            if not self.destinations_dry_run:
                raise
            return refused.number

    def _start(
        self, new: NewVerification, code: str, call: Callable[[Reservation], CallOutcome]
    ) -> VerificationView:
        reservation = self._reserve(new, code)
        if reservation.earlier:
            return self._repeat(reservation.verification)
        called_at = self.clock()
        try:
            with self.events.call_in_flight():
                outcome = call(reservation)
        except BaseException:
            ended = Unknown("Our side ended the exchange.", ours=True)
            self._record_outcome(new, reservation, ended, self.clock() - called_at)
            raise
        seconds = self.clock() - called_at
        return self._started(self._record_outcome(new, reservation, outcome, seconds))

    def _record_outcome(
        self, new: NewVerification, reservation: Reservation, outcome: CallOutcome, seconds: float
    ) -> Verification:
        recorded = self._record(new, reservation, outcome)
        self.events.started(recorded, outcome, seconds)
        return recorded

    def _reserve(self, new: NewVerification, code: str) -> Reservation:
        digest = self.digester.sign(new.id, code)
        try:
            return self.store.reserve(replace(new, digest=digest))
        except LimitReached as limit:
            self.events.refused(new, limit)
            raise
        except DestinationBlocked as block:
            self.events.blocked(new, block)
            raise
        except CallsPaused:
            self.events.paused(new.number)
            raise
        except CallsSuspended as suspended:
            self.events.refused_by_breaker(new.number, suspended.retry_after)
            raise

    def _record(
        self, new: NewVerification, reservation: Reservation, outcome: CallOutcome
    ) -> Verification:
        try:
            return self.store.record(new, outcome)
        except (StoreUnavailable, VerificationNotFound) as error:
            # The phone may be ringing, so the answer has what the provider said. The reservation
            # remains.
            self.events.not_recorded(reservation.verification, error)
            return _unrecorded(reservation.verification, outcome)

    def _repeat(self, earlier: Verification) -> VerificationView:
        """Return the verification of the first start with the same Idempotency-Key."""
        age = abs(earlier.now - earlier.created_at)  # negative if Redis' clock stepped back
        if earlier.call.state is CallState.PLACING and age < self.timing.in_flight:
            raise KeyInFlight
        self.events.start_repeated(earlier)
        return self._started(earlier)

    def _started(self, verification: Verification) -> VerificationView:
        """Return the result of a start; a repeat gets the same one."""
        view = view_of(verification, self.timing)
        if verification.call.failure:
            error = NumberRejected if verification.call.number_rejected else CallFailed
            raise error(view, verification.call.failure)
        return view


def _unrecorded(reserved: Verification, outcome: CallOutcome) -> Verification:
    match outcome:
        case Placed(_, prefix, length):
            return replace(reserved, call=Call(CallState.PLACED, prefix, length))
        case Unknown():
            return replace(reserved, call=Call(CallState.UNKNOWN))
        case Failed():
            call = Call(CallState.FAILED, failure=outcome)
            return replace(reserved, state=State.FAILED, call=call)
