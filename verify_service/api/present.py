"""Turns what the use cases return into what the answers' schemas dump."""

from __future__ import annotations

from typing import Any

from verify_service.advice import Standing
from verify_service.codes import DIGITS
from verify_service.models import Call, NextAction, State, Verdict, Verification
from verify_service.numbers import mask
from verify_service.verification import Answer


def verification(standing: Standing) -> dict[str, Any]:
    """What start, status and cancel show."""
    found = standing.verification
    return {
        "verification_id": found.id,
        "state": found.state,
        "number": mask(found.number),
        "call": _call(found.call) | {"state": standing.call_state},
        "checks_left": found.checks_left,
        "expires_at": found.expires_at // 1000,
        "expires_in": found.expires_in,
        "restart_in": found.restart_in,
        "next_action": standing.next_action,
        **_bar(found),
        **_marks(found),
    }


def check(answer: Answer) -> dict[str, Any]:
    """What a check shows."""
    found = answer.standing.verification
    shown = {
        "verified": answer.verified,
        "state": found.state,
        "next_action": answer.standing.next_action,
        **_marks(found),
    }
    if answer.verified:
        return shown | {"number": found.number, "checks_left": found.checks_left}
    if found.state is State.APPROVED:
        return shown
    shown |= _bar(found)
    if answer.verdict is Verdict.BARRED:
        exhausted = {"state": State.EXHAUSTED, "checks_left": 0}
        return shown | exhausted | {"restart_in": found.restart_in}
    shown["checks_left"] = found.checks_left
    if found.state is State.PENDING:
        shown["expires_in"] = found.expires_in
    if answer.standing.next_action is not NextAction.ENTER_CODE:
        shown["restart_in"] = found.restart_in
    return shown


def after_reservation(standing: Standing) -> dict[str, Any]:
    """What an error adds once a verification was reserved."""
    found = standing.verification
    return {
        "verification_id": found.id,
        "next_action": standing.next_action,
        "restart_in": found.restart_in,
        **({"reference": found.reference} if found.reference else {}),
    }


def _call(call: Call) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "caller_prefix": call.caller_prefix,
        "caller_length": call.caller_length,
        "code_digits": DIGITS,
    }
    if call.provider_status is not None:
        shown |= {"provider_status": call.provider_status, "at": call.status_at}
    return shown


def _bar(found: Verification) -> dict[str, Any]:
    if found.barred is None or found.state is State.APPROVED:
        return {}
    return {"limit": found.barred.limit, "retry_after": found.barred.seconds}


def _marks(found: Verification) -> dict[str, Any]:
    """What the login flow, or the operator, has marked it with."""
    marks: dict[str, Any] = {"reference": found.reference} if found.reference else {}
    return marks | {"test": True} if found.test else marks
