"""The operations: what each takes, and every answer it can give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apispec import APISpec

from verify_service.api.openapi import examples
from verify_service.api.openapi.parts import body, failures, ok
from verify_service.api.openapi.platform import platform

_ANY_APP: list[dict[str, list[str]]] = [{"accessKey": []}, {"accessKeyInQuery": []}]
_OF_APPS = ("NoAccessKey", "Bug")
_BODY = ("BodyTooLarge", "WrongMediaType")

Operation = dict[str, Any]


def add_paths(spec: APISpec) -> None:
    """Add every operation."""
    spec.path("/verify/start", operations={"post": _start()})
    spec.path("/verify/check", operations={"post": _check()})
    one = ["VerificationId", "RequestId"]
    spec.path("/verify/{verificationId}", operations={"get": _status(one)})
    spec.path("/verify/{verificationId}/cancel", operations={"post": _cancel(one)})
    spec.path("/callbacks/flashcall", operations={"post": _callback()})
    spec.path("/callbacks/flashcall/{secret}", operations={"post": _callback_by_secret()})
    for path, operation in platform().items():
        spec.path(path, operations={"get": operation})


def _start() -> Operation:
    return {
        "operationId": "startVerification",
        "tags": ["Login flows"],
        "summary": "Ring a phone",
        "description": "Reserves a verification and has the phone rung, once. A start does not "
        "end an earlier one: each takes only its own code, and what they share is the number's "
        "limits. Give it at least 30 seconds: the provider may be slow.",
        "security": _ANY_APP,
        "parameters": ["IdempotencyKey", "RequestId"],
        "requestBody": body("StartRequest", examples.start_requests()),
        "responses": {
            "201": ok(
                "Reserved, and the provider was asked to call. `call.state` says what came of it.",
                "VerificationAnswer",
                examples.starts(),
                headers={"Location": "Location"},
                links=_links(),
            ),
            **failures(
                *("BadStart", "DestinationNotAllowed", "LimitReached", "CallFailed"),
                *("KeyInFlight", "KeyReused", "Unavailable"),
                *(*_OF_APPS, *_BODY),
            ),
        },
    }


def _check() -> Operation:
    return {
        "operationId": "checkCode",
        "tags": ["Login flows"],
        "summary": "Compare what the person typed",
        "description": "200 whenever the question could be answered, also with no. **Only "
        "`verified: true` logs anyone in.** It is said once for each verification; a repeat "
        "with the same `Idempotency-Key` is told the same.",
        "security": _ANY_APP,
        "parameters": ["IdempotencyKey", "RequestId"],
        "requestBody": body("CheckRequest", examples.check_requests()),
        "responses": {
            "200": ok(
                "The result of the check.",
                "CheckAnswer",
                examples.checks(),
            ),
            **failures(
                *("BadCheck", "NoSuchVerification"),
                *("KeyReused", "StoreUnavailable"),
                *(*_OF_APPS, *_BODY),
            ),
        },
    }


def _status(parameters: Sequence[str]) -> Operation:
    return {
        "operationId": "readVerification",
        "tags": ["Login flows"],
        "summary": "See how a verification stands",
        "description": "Readable until an hour after its end. Asking costs nothing.",
        "security": _ANY_APP,
        "parameters": list(parameters),
        "responses": {
            "200": ok("As it stands now.", "VerificationAnswer", examples.verifications()),
            **failures("NoSuchVerification", "BadRequest", *_OF_APPS, "StoreUnavailable"),
        },
    }


def _cancel(parameters: Sequence[str]) -> Operation:
    return {
        "operationId": "cancelVerification",
        "tags": ["Login flows"],
        "summary": "Give up",
        "description": "Ends a pending verification: its code is dead. On one that has ended it "
        "changes nothing and says how it stands. It takes no body, and gives no start back.",
        "security": _ANY_APP,
        "parameters": list(parameters),
        "responses": {
            "200": ok("As it stands now.", "VerificationAnswer", examples.cancels()),
            **failures("NoSuchVerification", "BadRequest", *_OF_APPS, "StoreUnavailable"),
        },
    }


def _callback(operation_id: str = "receiveCallback", *parameters: str) -> Operation:
    return {
        "operationId": operation_id,
        "tags": ["Provider"],
        "summary": "Report how a call went",
        "description": "For the provider. It marks a call delivered or undelivered; it verifies "
        "nobody. Where the operator set a path secret, only the path with the secret exists.",
        "security": [],
        "parameters": [*parameters, "RequestId"],
        "requestBody": _json_or_form(),
        "responses": {
            "200": ok("Taken.", "CallbackAnswer", examples.callbacks()),
            **failures(
                *("BadCallback", "NoAppKey", "NoSuchPath"),
                *(*_BODY, "Bug", "StoreUnavailable"),
            ),
        },
    }


def _json_or_form() -> dict[str, Any]:
    found = body("CallbackRequest", examples.callback_requests())
    form = {"schema": "CallbackForm", "examples": examples.callback_forms()}
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        found["content"][kind] = form
    return found


def _callback_by_secret() -> Operation:
    return _callback("receiveCallbackBySecret", "PathSecret") | {
        "summary": "Report how a call went, at the secret path",
    }


def _links() -> dict[str, Any]:
    found = "$response.body#/verificationId"
    return {
        "check": {
            "operationId": "checkCode",
            "requestBody": {"verificationId": found},
            "description": "With the code that the person read off the incoming call.",
        },
        "status": {
            "operationId": "readVerification",
            "parameters": {"verificationId": found},
            "description": "Has the call come?",
        },
        "cancel": {
            "operationId": "cancelVerification",
            "parameters": {"verificationId": found},
            "description": "The person gave up.",
        },
    }
