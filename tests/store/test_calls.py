"""The outcome of a call is recorded once, and is final."""

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
    """Placed and unknown stay pending and count. A failure is final. A refund frees the number."""
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
    """A repeated failure does not refund another start."""
    failed = world.reserve()
    world.record(failed, Failed("no connection", refund=True))
    world.start()
    again = world.record(failed, Failed("no connection", refund=True))
    assert again.restart_in == 30


def test_a_placed_call_has_its_callers_prefix(world: World) -> None:
    """The caller's number without the code is stored, and returned by every read."""
    recorded = world.record(world.reserve(), PLACED)
    assert (recorded.call.caller_prefix, recorded.call.caller_length) == ("7917913", 11)
    assert recorded.call.provider_status is None
    assert recorded.call.status_at is None


def test_an_unusable_caller_is_not_stored(world: World) -> None:
    """A call without a usable `from` is placed."""
    call = world.record(world.reserve(), Placed("request", None, None)).call
    assert (call.state, call.caller_prefix, call.caller_length) == (CallState.PLACED, None, None)


def test_an_invalid_number_is_rejected_and_counts(world: World) -> None:
    """errorCode 11: no other call to it can be placed, and another start is not free."""
    refused = Failed("no number", refund=False, error_code=11, kind=FailureKind.INVALID_NUMBER)
    recorded = world.record(world.reserve(), refused)
    assert recorded.call.failure == Failure(
        "no number", error_code=11, kind=FailureKind.INVALID_NUMBER
    )
    assert recorded.restart_in == 30
    other = world.record(world.reserve("+79170000001"), Failed("throttled", refund=True))
    assert other.call.failure == Failure("throttled")


def test_a_reservation_stands_without_its_record(world: World) -> None:
    """Lost between call and record: the code verifies, the start counts, the budget counts."""
    verification = world.reserve()
    assert world.refusal() == ("cooldown", 30)
    world.advance(200)
    assert world.check(verification, "wrong").verification.checks_left == 2
    assert world.check(verification).verification.state is State.APPROVED


def test_a_record_without_a_reservation_is_refused(world: World) -> None:
    """Redis does not know the id: nothing is created, and no key is left."""
    for outcome in (PLACED, Unknown("timeout"), Failed("refused", refund=True)):
        with pytest.raises(VerificationNotFound):
            world.store.record(world.new(), outcome)
    assert world.dump() == {}


def test_a_failure_recorded_late_finds_the_verification_expired(world: World) -> None:
    """Expired was final already: the call failed, and the state does not change."""
    verification = world.reserve()
    world.advance(300)
    recorded = world.record(verification, Failed("late", refund=True))
    assert (recorded.state, recorded.call.state) == (State.EXPIRED, CallState.FAILED)


def test_a_request_id_used_twice_stays_with_its_first_call(world: World) -> None:
    """If the provider repeats a requestId, the second call is placed, and gets no callbacks."""
    first = world.start(request="same")
    world.advance(30)
    second = world.start(request="same")
    assert world.status(second).call.state is CallState.PLACED
    assert world.store.record_callback(answered("same"))
    assert world.status(first).call.state is CallState.DELIVERED
    assert world.status(second).call.state is CallState.PLACED


@pytest.mark.parametrize("request_id", ["1", "a" * 5000, "запрос 🙂", "{x}:*", " ", "a\nb\0c"])
def test_a_request_id_is_opaque_text(world: World, request_id: str) -> None:
    """Any id of the provider is matched as a whole, and takes no more memory."""
    verification = world.start(request=request_id)
    assert all(len(key) < 80 for key in world.dump())
    assert not world.store.record_callback(answered(request_id + "x"))
    assert world.store.record_callback(answered(request_id))
    assert world.status(verification).call.state is CallState.DELIVERED
