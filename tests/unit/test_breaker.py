"""The breaker's part of a start: the signal of an outcome, and probes that place no call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from unittest.mock import create_autospec

import pytest

from verify_service.domain import test_numbers
from verify_service.domain.breaker import (
    PROBE_CALLS_WITHIN_SECONDS,
    PROBE_TOO_LATE,
    Signal,
    signal_of,
)
from verify_service.domain.calls import (
    Call,
    CallOutcome,
    CallState,
    Failed,
    FailureKind,
    Placed,
    Unknown,
)
from verify_service.domain.codes import CodeDigester
from verify_service.domain.errors import CallFailed, StoreUnavailable
from verify_service.domain.idempotency import IdempotencyKeys
from verify_service.domain.ids import VerificationIds
from verify_service.domain.models import NewVerification, Reservation, State, Verification
from verify_service.domain.next_action import Timing
from verify_service.domain.numbers import Destinations
from verify_service.domain.ports import EventLog
from verify_service.domain.verification import Verifications

PLACED = Placed("request", "7917913", 11)


@dataclass
class Surroundings:
    """The surroundings of a start: store, provider and clock in one.

    Attributes:
        probe: Whether the start is let through as the probe.
        slow: Seconds that its reservation takes.
        gone: Whether Redis is gone when the outcome is recorded.
        place_call: What the provider does.
    """

    probe: bool = False
    slow: float = 0.0
    gone: bool = False
    place_call: Callable[[], CallOutcome] = lambda: PLACED
    now: float = 100.0
    calls: int = 0
    recorded: list[CallOutcome] = field(default_factory=list)

    def reserve_slot(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release nothing: the slot is not limited here."""

    def place(self, number: str, code: str) -> CallOutcome:
        self.calls += 1
        return self.place_call()

    def reserve(self, new: NewVerification) -> Reservation:
        self.now += self.slow
        call = Call(CallState.PLACING)
        verification = Verification(new.id, new.app, new.number, State.PENDING, 3, 0, 1, 0, call)
        return Reservation(verification, probe=self.probe)

    def record(self, new: NewVerification, outcome: CallOutcome) -> Verification:
        if self.gone:
            raise StoreUnavailable("gone")
        self.recorded.append(outcome)
        failure = outcome if isinstance(outcome, Failed) else None
        call = Call(CallState.FAILED if failure else CallState.PLACED, failure=failure)
        return Verification(new.id, new.app, new.number, State.PENDING, 3, 0, 1, 0, call)

    def start(self) -> None:
        store: Any = self
        verifications = Verifications(
            store=store,
            provider=store,
            events=create_autospec(EventLog, instance=True),
            destinations=Destinations(frozenset("*"), frozenset({"MOBILE"})),
            test_numbers=test_numbers.TestNumbers(()),
            ids=VerificationIds(b"secret"),
            digester=CodeDigester([b"key"]),
            idempotency=IdempotencyKeys(b"secret"),
            timing=Timing(placing=1, confirming=1, in_flight=1),
            clock=lambda: self.now,
        )
        verifications.start(verifications.prepare("login", "+79179136787"))


SIGNALS = [
    (PLACED, Signal.GOOD),
    (
        Failed("no such number", refund=False, error_code=11, kind=FailureKind.INVALID_NUMBER),
        Signal.GOOD,
    ),
    (Unknown("late"), Signal.BAD),
    (Unknown("it broke off on our side", ours=True), Signal.NOTHING),
    (Failed("no balance", refund=True, error_code=6, kind=FailureKind.ACCOUNT), Signal.BAD),
    (Failed("nothing there", refund=True, kind=FailureKind.UNREACHABLE), Signal.BAD),
    (Failed("too many", refund=True, error_code=4, kind=FailureKind.THROTTLED), Signal.NOTHING),
    (Failed("not this number", refund=True), Signal.NOTHING),
    (Failed("an error", refund=False, error_code=99, kind=FailureKind.INTERNAL), Signal.NOTHING),
    (
        Failed(
            "not well", refund=True, error_code=4, kind=FailureKind.THROTTLED, provider_failing=True
        ),
        Signal.BAD,
    ),
    (
        Failed(
            "not well",
            refund=False,
            error_code=11,
            kind=FailureKind.INVALID_NUMBER,
            provider_failing=True,
        ),
        Signal.BAD,
    ),
    (PROBE_TOO_LATE, Signal.NOTHING),
]


@pytest.mark.parametrize(("outcome", "signal"), SIGNALS)
def test_the_signal_of_an_outcome(outcome: CallOutcome, signal: Signal) -> None:
    assert signal_of(outcome) is signal


@pytest.mark.parametrize(
    ("slow", "called"),
    [(PROBE_CALLS_WITHIN_SECONDS, True), (PROBE_CALLS_WITHIN_SECONDS + 0.001, False)],
)
def test_a_late_probe_places_no_call(slow: float, called: bool) -> None:
    """Redis delayed it for so long that the next probe may have begun. It has no signal, and its
    start is refunded."""
    around = Surroundings(probe=True, slow=slow)
    if called:
        around.start()
    else:
        with pytest.raises(CallFailed):
            around.start()
    assert around.calls == called
    assert around.recorded == [PLACED if called else PROBE_TOO_LATE]
    assert PROBE_TOO_LATE.refund


def test_only_a_probe_can_be_too_late() -> None:
    around = Surroundings(slow=10 * PROBE_CALLS_WITHIN_SECONDS)
    around.start()
    assert (around.calls, around.recorded) == (1, [PLACED])


def bug() -> CallOutcome:
    raise KeyError


@pytest.mark.parametrize("probe", [True, False])
def test_a_start_with_a_bug_is_recorded_as_broken(probe: bool) -> None:
    """So the next start becomes the probe. The original error is raised all the same."""
    around = Surroundings(probe=probe, place_call=bug)
    with pytest.raises(KeyError):
        around.start()
    (outcome,) = around.recorded
    assert isinstance(outcome, Unknown)
    assert signal_of(outcome) is Signal.NOTHING


def test_a_probe_that_cannot_be_recorded_raises_the_original_error() -> None:
    """The original error is raised, not the one about Redis."""
    around = Surroundings(probe=True, gone=True, place_call=bug)
    with pytest.raises(KeyError):
        around.start()
