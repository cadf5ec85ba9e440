"""The next action: the contract's table, and every combination that it does not list."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from tests.statuses import call_status
from verify_service.domain.calls import Call, CallState, Failure, FailureKind
from verify_service.domain.models import NextAction, State, Verification, Wait
from verify_service.domain.next_action import Timing, view_of

TIMING = Timing(placing=10_000, confirming=60_000, in_flight=12_000)
BORN = 1_790_000_000_000

WAIT, ENTER, RESTART, STOP = (
    NextAction.WAIT,
    NextAction.ENTER_CODE,
    NextAction.RESTART,
    NextAction.STOP,
)


def read(
    call: CallState | Call,
    age: int = 0,
    *,
    state: State = State.PENDING,
    restart: Wait | None = None,
    guess_block: Wait | None = None,
) -> tuple[str, str]:
    """Return the call's state and the next action, `age` milliseconds after the start."""
    verification = Verification(
        id="id",
        app="shop",
        number="+79179136787",
        state=state,
        checks_left=3,
        created_at=BORN,
        expires_at=BORN + 300_000,
        now=BORN + age,
        call=call if isinstance(call, Call) else Call(call),
        restart=restart,
        guess_block=guess_block,
    )
    found = view_of(verification, TIMING)
    assert found.verification is verification
    return found.call_state, found.next_action


COOLDOWN = Wait("cooldown", 30_000)
BLOCKED = Wait("failures", 86_400_000)


@pytest.mark.parametrize(
    ("call", "age", "restart", "reads", "action"),
    [
        (CallState.PLACING, 0, COOLDOWN, "placing", WAIT),
        (CallState.PLACING, 9_999, COOLDOWN, "placing", WAIT),
        (CallState.PLACING, 10_000, COOLDOWN, "unknown", ENTER),
        (CallState.PLACED, 0, COOLDOWN, "placed", ENTER),
        (CallState.PLACED, 59_999, None, "placed", ENTER),
        (CallState.PLACED, 60_000, COOLDOWN, "unconfirmed", ENTER),
        (CallState.PLACED, 60_000, None, "unconfirmed", RESTART),
        (CallState.PLACED, 60_000, Wait("number", 1), "unconfirmed", ENTER),
        (CallState.UNKNOWN, 0, COOLDOWN, "unknown", ENTER),
        (CallState.UNKNOWN, 200_000, None, "unknown", ENTER),
        (CallState.DELIVERED, 200_000, None, "delivered", ENTER),
        (CallState.FAILED, 0, COOLDOWN, "failed", RESTART),
    ],
)
def test_a_pending_verification_has_the_tables_action(
    call: CallState, age: int, restart: Wait | None, reads: str, action: NextAction
) -> None:
    """The contract's table, at the millisecond at which time changes the result."""
    assert read(call, age, restart=restart) == (reads, action)


@pytest.mark.parametrize(
    ("status", "action"), [("REJECTED", RESTART), ("UNAVAILABLE", RESTART), ("FORBIDDEN", STOP)]
)
@pytest.mark.parametrize("restart", [None, COOLDOWN])
def test_an_undelivered_call_is_a_restart(
    status: str, action: NextAction, restart: Wait | None
) -> None:
    """At once, however long a start has to wait: `restartIn` has the wait."""
    call = Call(CallState.UNDELIVERED, status=call_status(status))
    assert read(call, restart=restart) == ("undelivered", action)


ENDED = [state for state in State if state is not State.PENDING]


@pytest.mark.parametrize(("state", "call"), list(product(ENDED, CallState)))
def test_a_final_state_is_a_restart(state: State, call: CallState) -> None:
    """`restart`. An approved one has nothing to restart, and only the right code itself gets
    `done`."""
    assert read(call, state=state)[1] == (STOP if state is State.APPROVED else RESTART)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("call", CallState)
@pytest.mark.parametrize("limit", ["failures", "locked"])
def test_a_blocked_number_is_a_stop(state: State, call: CallState, limit: str) -> None:
    """Whatever the call's state: no call could be placed and no code compared."""
    assert read(call, 90_000, state=state, guess_block=replace(BLOCKED, limit=limit))[1] == STOP


AFTER_FAILURE = {
    FailureKind.INVALID_NUMBER: STOP,
    FailureKind.ACCOUNT: STOP,
    FailureKind.REFUSED: STOP,
    FailureKind.THROTTLED: RESTART,
    FailureKind.UNREACHABLE: RESTART,
    FailureKind.UNREADABLE: RESTART,
    FailureKind.INTERNAL: RESTART,
    FailureKind.PAUSED: RESTART,
}


@pytest.mark.parametrize(("kind", "action"), AFTER_FAILURE.items())
@pytest.mark.parametrize("restart", [None, COOLDOWN])
def test_a_refusal_that_comes_again_is_a_stop(
    kind: FailureKind, action: NextAction, restart: Wait | None
) -> None:
    """Where nothing that the person does helps; `restart` where the next call may be placed."""
    call = Call(CallState.FAILED, failure=Failure("no", kind=kind))
    assert read(call, state=State.FAILED, restart=restart) == ("failed", action)


def test_every_kind_of_failure_has_its_row() -> None:
    """And one that a newer release stored counts as a refusal."""
    assert set(AFTER_FAILURE) == set(FailureKind)
    assert FailureKind("of a newer release") is FailureKind.REFUSED


@pytest.mark.parametrize(
    ("milliseconds", "seconds"), [(1, 1), (999, 1), (1_000, 1), (1_001, 2), (30_000, 30)]
)
def test_a_wait_is_rounded_up(milliseconds: int, seconds: int) -> None:
    """After this many whole seconds the limit lets a start through."""
    assert Wait("cooldown", milliseconds).seconds == seconds
