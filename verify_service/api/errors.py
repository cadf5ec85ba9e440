"""From what went wrong to what HTTP says of it. The kinds of answers stand in ``kinds.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog
from flask import Flask, Response, jsonify
from marshmallow import ValidationError
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
)

from verify_service.api import kinds, problems
from verify_service.api import responses as present
from verify_service.api.body import LARGEST
from verify_service.api.kinds import ErrorCode, ErrorKind
from verify_service.api.schemas import ErrorAnswer
from verify_service.domain import errors as domain
from verify_service.domain.limits import NUMBER_LIMITS
from verify_service.domain.models import FailureKind
from verify_service.telemetry.logs import where

PAGE_REASONS: dict[int, str] = {
    ErrorCode.INVALID_TOKEN: "Authentication required.",
    ErrorCode.TOO_MANY_REQUESTS: "Too many requests.",
    ErrorCode.INVALID_REQUEST: "Invalid request.",
    ErrorCode.INVALID_NUMBER: "Invalid number.",
}
"""The page's own words for the codes that our callers get from us; what to do comes after them.
Source: the provider's page, "Description of error codes"."""

FIXED: dict[type[Exception], tuple[ErrorKind, str]] = {
    problems.InvalidAccessKey: (
        kinds.INVALID_ACCESS_KEY,
        "Send X-Authorization: AccessKey <key> with a key of your app.",
    ),
    problems.InvalidAppKey: (
        kinds.INVALID_ACCESS_KEY,
        "The callback's appKey is missing or unknown.",
    ),
    problems.InvalidMetricsToken: (
        kinds.INVALID_ACCESS_KEY,
        "Send Authorization: Bearer <METRICS_TOKEN>.",
    ),
    problems.WrongMediaType: (
        kinds.WRONG_MEDIA_TYPE,
        "Send the body as JSON, with Content-Type: application/json.",
    ),
    problems.NotJson: (kinds.NOT_JSON, "The body is empty or no JSON in UTF-8."),
    domain.VerificationNotFound: (
        kinds.NOT_FOUND,
        "Your app has no such verification, or it ended more than an hour ago.",
    ),
    domain.KeyInFlight: (
        kinds.KEY_IN_FLIGHT,
        "The first request with this Idempotency-Key is still being worked on. Try again.",
    ),
    domain.KeyReused: (
        kinds.KEY_REUSED,
        "This Idempotency-Key came with another body before. Make a new key for a new request.",
    ),
    domain.TooManyCallsInFlight: (
        kinds.UNAVAILABLE,
        "Too many calls are being placed; nothing was reserved. Try again.",
    ),
    NotFound: (kinds.NOT_FOUND, "There is no such path; see /docs."),
    MethodNotAllowed: (
        kinds.METHOD_NOT_ALLOWED,
        "The path exists, but not with this method; see Allow.",
    ),
    RequestEntityTooLarge: (kinds.BODY_TOO_LARGE, f"The body is over {LARGEST // 1024} KiB."),
}
"""What always gets the same answer."""

Told = tuple[ErrorKind, str, dict[str, Any]]
"""The kind of an error, a sentence for the developer, and what else its answer holds."""

log = structlog.get_logger()
_answer = ErrorAnswer()


def install(app: Flask) -> None:
    """Give every error its answer."""
    # Flask's own line about a bug would quote its message; ours has the frames alone.
    app.logger.disabled = True
    app.register_error_handler(Exception, respond)


def respond(error: Exception) -> Response:
    """Return the answer to a request that ended in this error."""
    kind, body = answer(error)
    _write_down(error, kind)
    response = jsonify(body)
    response.status_code = kind.http
    if "retryAfter" in body:
        response.headers["Retry-After"] = str(body["retryAfter"])
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def answer(error: Exception) -> tuple[ErrorKind, dict[str, Any]]:
    """Return what is said of this error: its kind, and the body in JSON."""
    kind, reason, more = _tell(error)
    if kind.retry_after is not None:
        more = {"retry_after": kind.retry_after, **more}
    if kind.http < 500 and more.get("error_code") in PAGE_REASONS:
        reason = f"{PAGE_REASONS[more['error_code']]} {reason}"
    body: dict[str, Any] = _answer.dump({"status": kind.status, "error_reason": reason, **more})
    return kind, body


def _tell(error: Exception) -> Told:
    for each in type(error).__mro__:
        if each in FIXED:
            kind, reason = FIXED[each]
            return kind, reason, {"error_code": kind.error_code} if kind.error_code else {}
        if each in _TELLERS:
            return _TELLERS[each](error)
    return _bug(error)


def _bug(_: Exception) -> Told:
    return kinds.BUG, "A bug of this service; the log has it under this X-Request-ID.", {}


def _invalid_scheme(error: ValidationError) -> Told:
    kind, reason = kinds.WRONG_SHAPE, "The request has the wrong shape; see errors, by field."
    return kind, reason, {"error_code": kind.error_code, "errors": _by_field(error)}


def _invalid_number(error: domain.InvalidNumber) -> Told:
    kind = kinds.UNACCEPTABLE_VALUE
    return kind, error.reason, {"error_code": kind.error_code}


def _invalid_data(error: domain.InvalidCallback) -> Told:
    return kinds.UNACCEPTABLE_VALUE, error.reason, {}


def _destination(error: domain.DestinationNotAllowed) -> Told:
    return kinds.DESTINATION_NOT_ALLOWED, error.reason, {}


def _limit(error: domain.LimitReached) -> Told:
    kind = kinds.LIMIT_REACHED
    whom = "this number start again" if error.limit in NUMBER_LIMITS else "another start through"
    reason = f"The limit {error.limit} lets {whom} in {error.retry_after} s."
    more = {"limit": error.limit, "retry_after": error.retry_after}
    return kind, reason, {"error_code": kind.error_code, **more}


def _store_unavailable(error: domain.StoreUnavailable) -> Told:
    reason = f"Redis {error.state}; so nobody is verified by this answer. Try again."
    return kinds.UNAVAILABLE, reason, {}


def _paused(error: domain.CallsPaused) -> Told:
    reason = "The operator has paused all calls; nothing was reserved. Checks go on."
    return kinds.UNAVAILABLE, reason, {"retry_after": error.retry_after}


def _suspended(error: domain.CallsSuspended) -> Told:
    reason = "Calls are paused, since the provider fails; nothing was reserved. Try again."
    return kinds.UNAVAILABLE, reason, {"retry_after": error.retry_after}


def _call_failed(error: domain.CallFailed) -> Told:
    failure, more = error.failure, present.after_reservation(error.view)
    if failure.error_code is not None:
        more["error_code"] = failure.error_code
    if failure.retry_after is not None:
        more["retry_after"] = failure.retry_after
    invalid = failure.kind is FailureKind.INVALID_NUMBER
    kind = kinds.UNACCEPTABLE_VALUE if invalid else kinds.CALL_FAILED
    return kind, failure.reason, more


def _malformed(error: HTTPException) -> Told:
    """What else werkzeug finds wrong with a request, before any view sees it."""
    http = error.code if error.code and error.code < 500 else 400
    kind = replace(kinds.WRONG_SHAPE, http=http)
    return kind, "The request is malformed.", {"error_code": kind.error_code}


_TELLERS: dict[type[Exception], Callable[[Any], Told]] = {
    ValidationError: _invalid_scheme,
    domain.InvalidNumber: _invalid_number,
    domain.InvalidCallback: _invalid_data,
    domain.DestinationNotAllowed: _destination,
    domain.LimitReached: _limit,
    domain.StoreUnavailable: _store_unavailable,
    domain.CallsSuspended: _suspended,
    domain.CallsPaused: _paused,
    domain.CallFailed: _call_failed,
    InternalServerError: _bug,
    HTTPException: _malformed,
}


def _write_down(error: Exception, kind: ErrorKind) -> None:
    if isinstance(error, domain.StoreUnavailable):
        log.error("store_unavailable", reason=error.reason)
    elif kind is kinds.BUG:
        # A bug in a handler, or after a view, comes wrapped.
        cause = getattr(error, "original_exception", None) or error
        log.error("bug", error=type(cause).__name__, where=where(cause))


def _by_field(error: ValidationError) -> dict[str, Any]:
    if isinstance(error.messages, dict):
        return error.messages
    return {"_schema": error.messages}
