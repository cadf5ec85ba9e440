"""Sample data of the examples. The service itself builds the responses from it."""

from __future__ import annotations

from dataclasses import replace

from verify_service.domain.calls import Call, CallState, CallStatus, DeliveryResult, Failure
from verify_service.domain.models import NextAction, State, Verdict, Verification, Wait
from verify_service.domain.next_action import Timing, VerificationView, view_of
from verify_service.domain.verification import CheckView

ID = "J5wR0hM3pQk9Zt2xVb7nYc4dLg8fSa1eUo6iKm_-"
NUMBER = "+79179136787"
CODE = "4821"
REQUEST_ID = "5f0c1b7a-checkout"

_START = 1_790_000_000_000
"""A moment in Redis' clock: unixtime in milliseconds."""
_COOLDOWN = Wait("cooldown", 30_000)
_PLACED = Call(CallState.PLACED, caller_prefix="7917913", caller_length=11)
_TIMING = Timing(placing=10_000, confirming=60_000, in_flight=12_000)


def verification(
    state: State = State.PENDING,
    *,
    seconds: int = 0,
    checks_left: int = 3,
    restart: Wait | None = _COOLDOWN,
    guess_block: Wait | None = None,
    call: Call = _PLACED,
    reference: str | None = None,
) -> Verification:
    """Return a verification so many seconds after its start."""
    return Verification(
        id=ID,
        app="shop",
        number=NUMBER,
        state=state,
        checks_left=checks_left,
        created_at=_START,
        expires_at=_START + 300_000,
        now=_START + seconds * 1000,
        call=call,
        reference=reference,
        guess_block=guess_block,
        restart=guess_block or restart,
    )


def called(state: CallState, status: CallStatus | None = None) -> Call:
    """Return the call as the provider's callback left it, or without any callback."""
    if status is None:
        return Call(state)
    return replace(_PLACED, state=state, status=status, status_at=_START // 1000 + 6)


def _undelivered(word: str, result: DeliveryResult) -> Call:
    return called(CallState.UNDELIVERED, CallStatus(word, result))


PICKED_UP = called(CallState.DELIVERED, CallStatus("TERMINATED", DeliveryResult.DELIVERED))
DROPPED = called(CallState.DELIVERED, CallStatus("BUSY_HERE", DeliveryResult.DELIVERED))
PHONE_OFF = _undelivered("UNAVAILABLE", DeliveryResult.UNREACHED)
LINE_BUSY = _undelivered("REJECTED", DeliveryResult.UNREACHED)
ANTI_FRAUD = _undelivered("FORBIDDEN", DeliveryResult.FORBIDDEN)


def failed(failure: Failure, restart: Wait | None = None) -> VerificationView:
    """Return a verification whose call could not be placed."""
    call = Call(CallState.FAILED, failure=failure)
    return stands(verification(State.FAILED, call=call, restart=restart, reference="order 7"))


def stands(found: Verification) -> VerificationView:
    """Return the verification as the service shows it."""
    return view_of(found, _TIMING)


def checked(verdict: Verdict, found: Verification) -> CheckView:
    """Return the result of a check."""
    stand = stands(found)
    if verdict is Verdict.RIGHT:
        stand = replace(stand, next_action=NextAction.DONE)
    return CheckView(verdict, stand)
