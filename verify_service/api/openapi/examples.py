"""Examples of requests and of successful responses, dumped by the schemas of the service.

Each is a summary and a body, under its name in the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify_service.api import responses, schemas
from verify_service.api.body import dump
from verify_service.api.openapi.samples import (
    ANTI_FRAUD,
    CODE,
    DROPPED,
    ID,
    LINE_BUSY,
    NUMBER,
    PHONE_OFF,
    PICKED_UP,
    called,
    checked,
    failed,
    stands,
    verification,
)
from verify_service.domain.calls import Call, CallState, Failure
from verify_service.domain.models import State, Verdict, Verification, Wait

Examples = Mapping[str, dict[str, Any]]
"""OpenAPI's Example Objects, by name."""

_VERIFICATION = schemas.VerificationResponse()
_CHECK = schemas.CheckResponse()
_LOCKED = Wait("locked", 7_776_000_000)
_SPENT = Wait("failures", 61_200_000)


def example(summary: str, value: Any) -> dict[str, Any]:
    """Return an Example Object."""
    return {"summary": summary, "value": value}


def start_requests() -> Examples:
    """Return requests to start."""
    return {
        "number": example("A number is enough", {"number": "+7 917 913-67-87"}),
        "everything": example(
            "With everything a login flow knows",
            {
                "number": "79179136787",
                "reference": "order 7",
                "clientIp": "203.0.113.7",
                "deviceId": "d-5e8c1f0a",
            },
        ),
    }


def check_requests() -> Examples:
    """Return requests to check."""
    return {
        "text": example("The code as text", {"verificationId": ID, "code": CODE}),
        "integer": example("The code as a number", {"verificationId": ID, "code": int(CODE)}),
    }


def callback_requests() -> Examples:
    """Return the provider's callbacks."""
    body = {
        "requestId": "8c1d5f0e2b7a4936",
        "number": NUMBER.removeprefix("+"),
        "status": "TERMINATED",
        "timestamp": 1_790_000_006,
        "appKey": "sandbox-app-key",
    }
    return {
        "rang": example("The phone rang", body),
        "off": example(
            "The phone was off; an integer for an id, and milliseconds",
            body | {"requestId": 5178, "status": "UNAVAILABLE", "timestamp": 1_790_000_006_512},
        ),
    }


def callback_forms() -> Examples:
    """Return the provider's callbacks as forms, in which every value is text."""
    rang = callback_requests()["rang"]["value"]
    return {"rang": example("The phone rang", {name: str(rang[name]) for name in rang})}


def starts() -> Examples:
    """Return responses to start."""
    return {
        "placed": _shown("The provider accepted the call", verification(reference="order 7")),
        "unknown": _shown(
            "The provider's response was lost; the phone may be ringing",
            verification(
                seconds=10, restart=Wait("cooldown", 20_000), call=called(CallState.UNKNOWN)
            ),
        ),
        "delivered": _shown(
            "The phone has rung already",
            verification(call=PICKED_UP),
        ),
    }


def verifications() -> Examples:
    """Return responses to a status request, one for each state."""
    return {**_calls(), **_ends()}


def _calls() -> dict[str, dict[str, Any]]:
    def undelivered(call: Call, restart: Wait | None = None) -> Verification:
        return verification(seconds=8, restart=restart, call=call)

    left = Wait("cooldown", 22_000)
    placing = verification(
        seconds=1, restart=Wait("cooldown", 29_000), call=called(CallState.PLACING)
    )
    return {
        "placing": _shown("The call is being placed: wait", placing),
        "placed": _shown("The call is placed", verification(seconds=8, restart=left)),
        "delivered": _shown("The phone rang", verification(seconds=8, restart=left, call=DROPPED)),
        "unconfirmed": _shown(
            "The provider did not report how the call went: a new start is allowed",
            verification(seconds=75, restart=None),
        ),
        "unavailable": _shown(
            "The phone was off: ask to switch it on, then start again",
            undelivered(PHONE_OFF),
        ),
        "rejected": _shown("The line was busy: start again", undelivered(LINE_BUSY)),
        "forbidden": _shown(
            "Anti-fraud stopped the call: offer another way",
            undelivered(ANTI_FRAUD, left),
        ),
    }


def _ends() -> dict[str, dict[str, Any]]:
    refused = failed(Failure("The provider refused the call.", error_code=6))
    return {
        "approved": _shown(
            "The right code was entered. This logs no one in",
            _approved(call=PICKED_UP),
        ),
        "exhausted": _shown(
            "No guess is left",
            verification(State.EXHAUSTED, seconds=40, checks_left=0, restart=None, call=PICKED_UP),
        ),
        "expired": _shown(
            "No code was entered in time",
            verification(State.EXPIRED, seconds=300, restart=None, call=PICKED_UP),
        ),
        "canceled": canceled(),
        "failed": _shown("The call could not be placed", refused.verification),
        "locked": _shown(
            "The number is locked",
            verification(seconds=40, checks_left=1, guess_block=_LOCKED, call=PICKED_UP),
        ),
    }


def canceled() -> dict[str, Any]:
    """Return the response to a cancel."""
    found = verification(State.CANCELED, seconds=12, restart=Wait("cooldown", 18_000))
    return _shown("The login flow canceled it", found)


def cancels() -> Examples:
    """Return responses to cancel."""
    return {"canceled": canceled(), "tooLate": _ends()["approved"]}


def checks() -> Examples:
    """Return responses to check."""
    return {
        "verified": _compared(
            "The right code: log the person in, for this number",
            Verdict.RIGHT,
            _approved(reference="order 7"),
        ),
        "wrong": _compared(
            "A wrong code, and guesses are left",
            Verdict.WRONG,
            verification(seconds=20, checks_left=2),
        ),
        "exhausted": _compared(
            "A wrong code, and it was the last guess",
            Verdict.WRONG,
            verification(State.EXHAUSTED, seconds=40, checks_left=0, restart=None),
        ),
        "approvedBefore": _compared(
            "The code was used before: do not log the person in",
            Verdict.ENDED,
            _approved(),
        ),
        "expired": _compared(
            "Too late",
            Verdict.ENDED,
            verification(State.EXPIRED, seconds=300, restart=None),
        ),
        "blocked": _compared(
            "Not compared: too many wrong codes for this number",
            Verdict.BLOCKED,
            verification(seconds=40, checks_left=2, guess_block=_SPENT),
        ),
    }


def callbacks() -> Examples:
    """Return responses to a callback."""
    return {
        "applied": example("It changed the call", {"status": "ok", "applied": True}),
        "known": example("For example, it was known already", {"status": "ok", "applied": False}),
    }


def health() -> Examples:
    """Return responses of ``/healthz``."""
    return {"alive": example("Alive", {"status": "ok"})}


def ready() -> Examples:
    """Return responses of ``/readyz``."""
    return {
        "ready": example("Ready", {"status": "ok", "calls": "open", "warnings": []}),
        "breaker": example(
            "Ready, but the provider fails",
            {"status": "ok", "calls": "breaker", "warnings": []},
        ),
    }


def _approved(**more: Any) -> Verification:
    return verification(State.APPROVED, seconds=20, checks_left=2, restart=None, **more)


def _shown(summary: str, found: Verification) -> dict[str, Any]:
    return example(summary, dump(_VERIFICATION, responses.verification(stands(found))))


def _compared(summary: str, verdict: Verdict, found: Verification) -> dict[str, Any]:
    return example(summary, dump(_CHECK, responses.check(checked(verdict, found))))
