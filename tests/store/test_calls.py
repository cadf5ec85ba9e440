"""What the provider did with a call, recorded once and for good."""

from __future__ import annotations

import pytest

from tests.statuses import call_status
from tests.store.world import NUMBER, World
from verify_service.domain.calls import (
    CallOutcome,
    CallState,
    Failed,
    Failure,
    FailureKind,
    Placed,
    Unknown,
)
from verify_service.domain.errors import VerificationNotFound
from verify_service.domain.models import DeliveryReport, State
from verify_service.provider.flash_call import FlashCallStatus

PLACED = Placed("request", "7917913", 11)
OUTCOMES = [
    pytest.param(PLACED, State.PENDING, CallState.PLACED, 30, id="placed"),
    pytest.param(Unknown("timeout"), State.PENDING, CallState.UNKNOWN, 30, id="unknown"),
    pytest.param(Failed("500", refund=False), State.FAILED, CallState.FAILED, 30, id="failed"),
    pytest.param(Failed("refused", refund=True), State.FAILED, CallState.FAILED, 0, id="refund"),
]


def answered(request_id: str) -> DeliveryReport:
    return DeliveryReport(request_id, NUMBER, call_status(FlashCallStatus.ANSWERED), 100)


@pytest.mark.parametrize(("outcome", "state", "call", "restart_in"), OUTCOMES)
def test_an_outcome_decides_state_and_quota(
    world: World, outcome: CallOutcome, state: State, call: CallState, restart_in: int
) -> None:
    """Placed and unknown stay pending and count; a failure ends it; a refund frees the number."""
    recorded = world.record(world.reserve(), outcome)
    assert (recorded.state, recorded.call.state) == (state, call)
    assert recorded.restart_in == restart_in
    assert world.status(recorded) == recorded


@pytest.mark.parametrize(("outcome", "state", "call", "restart_in"), OUTCOMES)
def test_a_repeated_record_is_harmless(
    world: World, outcome: CallOutcome, state: State, call: CallState, restart_in: int
) -> None:
    """The same outcome recorded again, after a lost reply, changes nothing."""
    verification = world.reserve()
    first = world.record(verification, outcome)
    kept = world.dump()
    assert world.record(verification, outcome) == first
    assert world.dump() == kept


def test_a_refund_is_given_once(world: World) -> None:
    """A repeated failure does not give back the quota of another start."""
    failed = world.reserve()
    world.record(failed, Failed("no connection", refund=True))
    world.start()
    again = world.record(failed, Failed("no connection", refund=True))
    assert again.restart_in == 30


def test_a_placed_call_tells_its_caller(world: World) -> None:
    """All of the caller's number but the code is kept, and returned by every read."""
    recorded = world.record(world.reserve(), PLACED)
    assert (recorded.call.caller_prefix, recorded.call.caller_length) == ("7917913", 11)
    assert recorded.call.provider_status is None
    assert recorded.call.status_at is None


def test_a_caller_not_to_be_trusted_is_none(world: World) -> None:
    """A call without a usable `from` is placed all the same."""
    call = world.record(world.reserve(), Placed("request", None, None)).call
    assert (call.state, call.caller_prefix, call.caller_length) == (CallState.PLACED, None, None)


def test_an_invalid_number_is_hopeless_and_counts(world: World) -> None:
    """errorCode 11: no other call can go out either, and asking again is not free."""
    refused = Failed("no number", refund=False, error_code=11, kind=FailureKind.INVALID_NUMBER)
    recorded = world.record(world.reserve(), refused)
    assert recorded.call.failure == Failure(
        "no number", error_code=11, kind=FailureKind.INVALID_NUMBER
    )
    assert recorded.restart_in == 30
    other = world.record(world.reserve("+79170000001"), Failed("throttled", refund=True))
    assert other.call.failure == Failure("throttled")


def test_a_reservation_stands_without_its_record(world: World) -> None:
    """Lost between call and record: the code works, the quota is used, the budget counts."""
    verification = world.reserve()
    assert world.refusal() == ("cooldown", 30)
    world.advance(200)
    assert world.check(verification, "wrong").verification.checks_left == 2
    assert world.check(verification).verification.state is State.APPROVED


def test_a_record_without_a_reservation_is_refused(world: World) -> None:
    """Nothing is invented for an id that Redis does not know, and no key left behind."""
    for outcome in (PLACED, Unknown("timeout"), Failed("refused", refund=True)):
        with pytest.raises(VerificationNotFound):
            world.store.record(world.new(), outcome)
    assert world.dump() == {}


def test_a_failure_recorded_late_finds_the_verification_expired(world: World) -> None:
    """Expired was final already: the call failed, the state does not turn back."""
    verification = world.reserve()
    world.advance(300)
    recorded = world.record(verification, Failed("late", refund=True))
    assert (recorded.state, recorded.call.state) == (State.EXPIRED, CallState.FAILED)


def test_a_request_id_used_twice_stays_with_its_first_call(world: World) -> None:
    """Should the provider repeat a requestId, the second call is placed, and goes unreported."""
    first = world.start(request="same")
    world.advance(30)
    second = world.start(request="same")
    assert world.status(second).call.state is CallState.PLACED
    assert world.store.record_callback(answered("same"))
    assert world.status(first).call.state is CallState.DELIVERED
    assert world.status(second).call.state is CallState.PLACED


@pytest.mark.parametrize("request_id", ["1", "a" * 5000, "запрос 🙂", "{x}:*", " ", "a\nb\0c"])
def test_a_request_id_is_opaque_text(world: World, request_id: str) -> None:
    """Whatever the provider uses for an id is matched whole, and takes no more room."""
    verification = world.start(request=request_id)
    assert all(len(key) < 80 for key in world.dump())
    assert not world.store.record_callback(answered(request_id + "x"))
    assert world.store.record_callback(answered(request_id))
    assert world.status(verification).call.state is CallState.DELIVERED
