"""A dozen examples: what a login flow sends and receives. The service itself builds the bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from marshmallow import ValidationError

from verify_service.api import responses, schemas
from verify_service.api.body import dump
from verify_service.api.error_responses import describe
from verify_service.api.events import event_fields
from verify_service.domain import errors as domain
from verify_service.domain.calls import (
    Call,
    CallState,
    CallStatus,
    DeliveryResult,
    Failure,
    FailureKind,
)
from verify_service.domain.models import NextAction, State, Verdict, Verification, Wait
from verify_service.domain.next_action import Timing, VerificationView, view_of
from verify_service.domain.verification import CheckView

_ID = "J5wR0hM3pQk9Zt2xVb7nYc4dLg8fSa1eUo6iKm_-"
_NUMBER = "+79179136787"
_START = 1_790_000_000_000
"""A moment in Redis' clock: unixtime in milliseconds."""
_PLACED = Call(CallState.PLACED, caller_prefix="7917913", caller_length=11)
_PHONE_OFF = replace(
    _PLACED,
    state=CallState.UNDELIVERED,
    status=CallStatus("UNAVAILABLE", DeliveryResult.UNREACHED),
    status_at=_START // 1000 + 6,
)
_TIMING = Timing(placing=10_000, confirming=60_000, in_flight=12_000)
_LOW_BALANCE = Failure(
    "The provider refused the call: the balance is too low.", 6, kind=FailureKind.ACCOUNT
)


def examples() -> Mapping[str, dict[str, Any]]:
    """Return OpenAPI's Example Objects, by name."""
    return {
        name: {"summary": summary, "value": value}
        for name, (summary, value) in {
            **_REQUESTS,
            **_answers(),
            **_events(),
            **_errors(),
        }.items()
    }


_REQUESTS = {
    "start": (
        "A number as a person types it, with the person's country",
        {"number": "8 917 913-67-87", "country": "RU"},
    ),
    "startWithDevice": (
        "With everything a login flow knows",
        {
            "number": "+79179136787",
            "reference": "order 7",
            "clientIp": "203.0.113.7",
            "deviceId": "d-5e8c1f0a",
        },
    ),
    "check": ("The code that the person typed", {"verificationId": _ID, "code": "4821"}),
    "callback": (
        "The phone rang",
        {
            "requestId": "8c1d5f0e2b7a4936",
            "number": "79179136787",
            "status": "TERMINATED",
            "timestamp": 1_790_000_006,
            "appKey": "sandbox-app-key",
        },
    ),
}


def _answers() -> dict[str, tuple[str, Any]]:
    return {
        "placed": ("The provider accepted the call", _shown(_verification())),
        "phoneOff": (
            "The phone was off: ask to switch it on, then start again",
            _shown(_verification(seconds=8, restart=None, call=_PHONE_OFF)),
        ),
        "canceled": ("It was canceled", _shown(_verification(State.CANCELED, seconds=12))),
        "verified": (
            "The right code: log the person in, for this number",
            _checked(Verdict.RIGHT, _verification(State.APPROVED, checks_left=2, restart=None)),
        ),
        "wrong": (
            "A wrong code, and guesses are left",
            _checked(Verdict.WRONG, _verification(seconds=20, checks_left=2)),
        ),
    }


def _events() -> dict[str, tuple[str, Any]]:
    off = _verification(seconds=8, restart=None, call=_PHONE_OFF)
    approved = _verification(State.APPROVED, seconds=21, checks_left=2, restart=None)
    return {
        "eventPhoneOff": (
            "The phone was off: show it at once",
            _event("verification.undelivered", off),
        ),
        "eventApproved": (
            "The right code was entered, which the response to the check said before",
            _event("verification.approved", approved),
        ),
    }


def _errors() -> dict[str, tuple[str, Any]]:
    return {
        "wrongShape": (
            "A field is missing, another is unknown",
            _error(ValidationError(schemas.StartRequest().validate({"nummer": _NUMBER}))),
        ),
        "limitReached": (
            "Too soon after the last start",
            _error(domain.LimitReached("cooldown", 27)),
        ),
        "callFailed": (
            "The provider refused the operator's account; the phone did not ring",
            _error(domain.CallFailed(_failed(), _LOW_BALANCE)),
        ),
    }


def _verification(
    state: State = State.PENDING,
    *,
    seconds: int = 0,
    checks_left: int = 3,
    restart: Wait | None = Wait("cooldown", 30_000),  # noqa: B008 - immutable
    call: Call = _PLACED,
) -> Verification:
    """Return a verification so many seconds after its start."""
    return Verification(
        id=_ID,
        app="shop",
        number=_NUMBER,
        state=state,
        checks_left=checks_left,
        created_at=_START,
        expires_at=_START + 300_000,
        now=_START + seconds * 1000,
        call=call,
        reference=None,
        guess_block=None,
        restart=restart,
    )


def _failed() -> VerificationView:
    call = Call(CallState.FAILED, failure=_LOW_BALANCE)
    return view_of(_verification(State.FAILED, call=call, restart=None), _TIMING)


def _shown(found: Verification) -> Any:
    return dump(schemas.VerificationAnswer(), responses.verification(view_of(found, _TIMING)))


def _event(name: str, found: Verification) -> Any:
    return event_fields(name, found.now + 123, view_of(found, _TIMING))


def _checked(verdict: Verdict, found: Verification) -> Any:
    view = view_of(found, _TIMING)
    if verdict is Verdict.RIGHT:
        view = replace(view, next_action=NextAction.DONE)
    return dump(schemas.CheckAnswer(), responses.check(CheckView(verdict, view)))


def _error(error: Exception) -> Any:
    _, body = describe(error)
    return body
