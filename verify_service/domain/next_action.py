"""What the login flow does next. It is computed whenever a verification is read.

Nothing here is stored: a ``placing`` call becomes ``unknown`` and a ``placed`` one ``unconfirmed``
by time alone, and a late callback still counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from verify_service.domain.calls import CallState
from verify_service.domain.models import NextAction, State, Verification


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a call may stay without news, in milliseconds since its start.

    Attributes:
        placing: A call that is ``placing`` for longer is ``unknown``: the provider's deadline.
        confirming: A call that is ``placed`` for longer is ``unconfirmed``: the call's timeout and
            a grace period.
        in_flight: The request that placed the call has ended by then.
    """

    placing: int
    confirming: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class VerificationView:
    """A verification at the moment it was read."""

    verification: Verification
    call_state: CallState
    next_action: NextAction


def view_of(verification: Verification, timing: Timing) -> VerificationView:
    """Return the verification with what is computed from it."""
    call_state = _call_state(verification, timing)
    return VerificationView(verification, call_state, _next_action(verification, call_state))


def _call_state(verification: Verification, timing: Timing) -> CallState:
    age = abs(verification.now - verification.created_at)  # negative if the clock stepped back
    match verification.call.state:
        case CallState.PLACING if age >= timing.placing:
            return CallState.UNKNOWN
        case CallState.PLACED if age >= timing.confirming and not verification.test:
            return CallState.UNCONFIRMED
        case state:
            return state


def _next_action(verification: Verification, call_state: CallState) -> NextAction:
    if verification.state is State.APPROVED:
        # `done` is only in the check's own answer that verified.
        return NextAction.STOP
    if verification.guess_block or verification.call.refused_again:
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
        case CallState.UNDELIVERED if verification.call.forbidden:
            return NextAction.STOP
        case CallState.UNDELIVERED | CallState.FAILED:
            return NextAction.RESTART
        case _:
            return NextAction.ENTER_CODE
