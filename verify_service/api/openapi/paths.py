"""The operations: the request and the responses of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apispec import APISpec

from verify_service.api.openapi import examples
from verify_service.api.openapi.parts import body, failures, ok
from verify_service.api.openapi.platform import platform

_ANY_APP: list[dict[str, list[str]]] = [{"accessKey": []}, {"accessKeyInQuery": []}]
_OF_APPS = ("NoAccessKey", "Bug")
_BODY = ("BodyTooLarge", "SlowBody")
_JSON_BODY = (*_BODY, "WrongMediaType")

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
        "summary": "Call a phone",
        "description": "Reserves a verification and calls the phone once. A start does not end an "
        "earlier one: each accepts only its own code, and they share the number's limits. Set a "
        "timeout of at least 30 seconds: the provider may be slow.",
        "security": _ANY_APP,
        "parameters": ["IdempotencyKey", "RequestId"],
        "requestBody": body("StartRequest", examples.start_requests()),
        "responses": {
            "201": ok(
                "Reserved, and the call was requested. `call.state` says how it went.",
                "VerificationResponse",
                examples.starts(),
                headers={"Location": "Location"},
                links=_links(),
            ),
            **failures(
                *("BadStart", "DestinationNotAllowed", "LimitReached", "CallFailed"),
                *("KeyInFlight", "KeyReused", "Unavailable"),
                *(*_OF_APPS, *_JSON_BODY),
            ),
        },
    }


def _check() -> Operation:
    return {
        "operationId": "checkCode",
        "tags": ["Login flows"],
        "summary": "Compare what the person typed",
        "description": "200 whether the code was right or wrong. **Only `verified: true` logs "
        "anyone in.** It is returned once for each verification; a repeat with the same "
        "`Idempotency-Key` returns it again.",
        "security": _ANY_APP,
        "parameters": ["IdempotencyKey", "RequestId"],
        "requestBody": body("CheckRequest", examples.check_requests()),
        "responses": {
            "200": ok(
                "The result of the check.",
                "CheckResponse",
                examples.checks(),
            ),
            **failures(
                *("BadCheck", "NoSuchVerification"),
                *("KeyReused", "StoreUnavailable"),
                *(*_OF_APPS, *_JSON_BODY),
            ),
        },
    }


def _status(parameters: Sequence[str]) -> Operation:
    return {
        "operationId": "readVerification",
        "tags": ["Login flows"],
        "summary": "Read a verification",
        "description": "Readable until an hour after its end. Reading it counts toward no limit.",
        "security": _ANY_APP,
        "parameters": list(parameters),
        "responses": {
            "200": ok("As it stands now.", "VerificationResponse", examples.verifications()),
            **failures("NoSuchVerification", "BadRequest", *_OF_APPS, "StoreUnavailable"),
        },
    }


def _cancel(parameters: Sequence[str]) -> Operation:
    return {
        "operationId": "cancelVerification",
        "tags": ["Login flows"],
        "summary": "Cancel a verification",
        "description": "Ends a pending verification: its code is no longer accepted. A "
        "verification that has ended stays as it is, and is returned. The request needs no "
        "body. The start still counts.",
        "security": _ANY_APP,
        "parameters": list(parameters),
        "responses": {
            "200": ok("As it stands now.", "VerificationResponse", examples.cancels()),
            **failures("NoSuchVerification", "BadCancel", *_OF_APPS, *_BODY, "StoreUnavailable"),
        },
    }


def _callback(operation_id: str = "receiveCallback", *parameters: str) -> Operation:
    return {
        "operationId": operation_id,
        "tags": ["Provider"],
        "summary": "Report how a call went",
        "description": "For the provider. It marks a call delivered or undelivered; it verifies no "
        "number. The body is JSON if it begins with `{` or `[`, else a form, whatever its "
        "`Content-Type` is. If the operator set a path secret, only the path with the secret "
        "exists.",
        "security": [],
        "parameters": [*parameters, "RequestId"],
        "requestBody": _json_or_form(),
        "responses": {
            "200": ok("Received.", "CallbackResponse", examples.callbacks()),
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
            "description": "How the call went.",
        },
        "cancel": {
            "operationId": "cancelVerification",
            "parameters": {"verificationId": found},
            "description": "For a person who gives up.",
        },
    }
