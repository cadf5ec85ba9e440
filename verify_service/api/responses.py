"""Turns what the use cases return into the fields that the response schemas dump."""

from __future__ import annotations

from typing import Any

from verify_service.domain.calls import Call
from verify_service.domain.codes import DIGITS
from verify_service.domain.models import NextAction, Readiness, State, Verdict, Verification
from verify_service.domain.next_action import VerificationView
from verify_service.domain.numbers import mask
from verify_service.domain.verification import CheckView


def verification(view: VerificationView) -> dict[str, Any]:
    """Return the fields of the response to start, status and cancel."""
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
        **_guess_block(found),
        **_labels(found),
    }


def check(result: CheckView) -> dict[str, Any]:
    """Return the fields of the response to check."""
    found = result.view.verification
    fields = {
        "verified": result.verified,
        "state": found.state,
        "next_action": result.view.next_action,
        **_labels(found),
    }
    if result.verified:
        return fields | {"number": found.number, "checks_left": found.checks_left}
    if found.state is State.APPROVED:
        return fields
    fields |= _guess_block(found)
    if result.verdict is Verdict.BLOCKED:
        exhausted = {"state": State.EXHAUSTED, "checks_left": 0}
        return fields | exhausted | {"restart_in": found.restart_in}
    fields["checks_left"] = found.checks_left
    if found.state is State.PENDING:
        fields["expires_in"] = found.expires_in
    if result.view.next_action is not NextAction.ENTER_CODE:
        fields["restart_in"] = found.restart_in
    return fields


def after_reservation(view: VerificationView) -> dict[str, Any]:
    """Return the fields that an error has after a verification was reserved."""
    found = view.verification
    return {
        "verification_id": found.id,
        "next_action": view.next_action,
        "restart_in": found.restart_in,
        **({"reference": found.reference} if found.reference else {}),
    }


def readiness(ready: Readiness) -> dict[str, Any]:
    """Return the fields of the response to ``/readyz``."""
    return {
        "calls": "paused" if ready.calls_paused else "breaker" if ready.breaker_open else "open",
        "warnings": [warning.sentence for warning in ready.warnings],
    }


def _call(call: Call) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "caller_prefix": call.caller_prefix,
        "caller_length": call.caller_length,
        "code_digits": DIGITS,
    }
    if call.provider_status is not None:
        fields |= {"provider_status": call.provider_status, "at": call.status_at}
    return fields


def _guess_block(found: Verification) -> dict[str, Any]:
    """Return the limit that blocks guesses and its seconds, if one does."""
    if found.guess_block is None or found.state is State.APPROVED:
        return {}
    return {"limit": found.guess_block.limit, "retry_after": found.guess_block.seconds}


def _labels(found: Verification) -> dict[str, Any]:
    """Return the login flow's reference and the operator's mark of a test number, if set."""
    labels: dict[str, Any] = {"reference": found.reference} if found.reference else {}
    return labels | {"test": True} if found.test else labels
