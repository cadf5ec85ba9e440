"""What a verification tells the login flow to do next, computed when it is read.

Nothing here is stored: time alone turns ``placing`` into ``unknown`` and ``placed`` into
``unconfirmed``, and a late callback still counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from verify_service.domain.models import (
    Call,
    CallState,
    DeliveryResult,
    NextAction,
    State,
    Verification,
)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a call may stay without news, in milliseconds.

    Attributes:
        placing: After it a call still ``placing`` has lost its process: the provider deadline.
        confirming: After it a ``placed`` call is overdue: its own timeout plus a grace.
        in_flight: After it no request that placed a call can still be at work.
    """

    placing: int
    confirming: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class VerificationView:
    """A verification with what time and the table of actions make of it."""

    verification: Verification
    call_state: CallState
    next_action: NextAction


def view(verification: Verification, timing: Timing) -> VerificationView:
    """Return the verification as it reads now."""
    call_state = _call_state(verification, timing)
    return VerificationView(verification, call_state, _next_action(verification, call_state))


def _call_state(verification: Verification, timing: Timing) -> CallState:
    age = verification.now - verification.created_at
    match verification.call.state:
        case CallState.PLACING if age >= timing.placing:
            return CallState.UNKNOWN
        case CallState.PLACED if age >= timing.confirming and not verification.test:
            return CallState.UNCONFIRMED
        case state:
            return state


def _next_action(verification: Verification, call_state: CallState) -> NextAction:
    if verification.state is State.APPROVED:
        # `done` belongs to the one answer that verified, and this is not it.
        return NextAction.STOP
    if verification.guess_block or verification.call.number_rejected:
        return NextAction.STOP
    if verification.state is not State.PENDING:
        return NextAction.RESTART
    return _next_for_call(verification, call_state)


def _next_for_call(verification: Verification, call_state: CallState) -> NextAction:
    match call_state:
        case CallState.PLACING:
            return NextAction.WAIT
        case CallState.UNCONFIRMED if verification.restart_in == 0:
            return NextAction.RESTART
        case CallState.UNDELIVERED if _forbidden(verification.call):
            return NextAction.STOP
        case CallState.UNDELIVERED | CallState.FAILED:
            return NextAction.RESTART
        case _:
            return NextAction.ENTER_CODE


def _forbidden(call: Call) -> bool:
    return call.status is not None and call.status.result is DeliveryResult.FORBIDDEN
