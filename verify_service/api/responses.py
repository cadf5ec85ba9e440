"""Turns what the use cases return into what the answers' schemas dump."""

from __future__ import annotations

from typing import Any

from verify_service.domain.codes import DIGITS
from verify_service.domain.models import Call, NextAction, State, Verdict, Verification
from verify_service.domain.next_action import VerificationView
from verify_service.domain.numbers import mask
from verify_service.domain.verification import CheckView


def verification(view: VerificationView) -> dict[str, Any]:
    """What start, status and cancel show."""
    found = view.verification
    return {
        "verification_id": found.id,
        "state": found.state,
        "number": mask(found.number),
        "call": _call(found.call) | {"state": view.call_state},
        "checks_left": found.checks_left,
        "expires_at": found.expires_at // 1000,
        "expires_in": found.expires_in,
        "restart_in": found.restart_in,
        "next_action": view.next_action,
        **_bar(found),
        **_marks(found),
    }


def check(answer: CheckView) -> dict[str, Any]:
    """What a check shows."""
    found = answer.view.verification
    shown = {
        "verified": answer.verified,
        "state": found.state,
        "next_action": answer.view.next_action,
        **_marks(found),
    }
    if answer.verified:
        return shown | {"number": found.number, "checks_left": found.checks_left}
    if found.state is State.APPROVED:
        return shown
    shown |= _bar(found)
    if answer.verdict is Verdict.BLOCKED:
        exhausted = {"state": State.EXHAUSTED, "checks_left": 0}
        return shown | exhausted | {"restart_in": found.restart_in}
    shown["checks_left"] = found.checks_left
    if found.state is State.PENDING:
        shown["expires_in"] = found.expires_in
    if answer.view.next_action is not NextAction.ENTER_CODE:
        shown["restart_in"] = found.restart_in
    return shown


def after_reservation(view: VerificationView) -> dict[str, Any]:
    """What an error adds once a verification was reserved."""
    found = view.verification
    return {
        "verification_id": found.id,
        "next_action": view.next_action,
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
    if found.guess_block is None or found.state is State.APPROVED:
        return {}
    return {"limit": found.guess_block.limit, "retry_after": found.guess_block.seconds}


def _marks(found: Verification) -> dict[str, Any]:
    """What the login flow, or the operator, has marked it with."""
    marks: dict[str, Any] = {"reference": found.reference} if found.reference else {}
    return marks | {"test": True} if found.test else marks
