"""The one table from what went wrong to what HTTP says of it."""

from __future__ import annotations

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

from verify_service import errors as domain
from verify_service.api import present, problems
from verify_service.api.schemas import ErrorAnswer
from verify_service.logs import where
from verify_service.models import ErrorCode

SOON = 2
"""Seconds after which a try after a 503 makes sense."""
AT_ONCE = 1
"""Seconds after which the request in flight may have come to something."""

PAGE_REASONS: dict[int, str] = {
    ErrorCode.INVALID_TOKEN: "Authentication required.",
    ErrorCode.TOO_MANY_REQUESTS: "Too many requests.",
    ErrorCode.INVALID_REQUEST: "Invalid request.",
    ErrorCode.INVALID_NUMBER: "Invalid number.",
}
"""The page's own words for the codes that our callers get from us; what to do comes after them.
Source: the provider's page, "Description of error codes"."""

log = structlog.get_logger()
_answer = ErrorAnswer()

FIXED: dict[type[Exception], tuple[int, str, str, dict[str, int]]] = {
    problems.InvalidAccessKey: (
        401,
        "invalidAccessKeyError",
        "Send X-Authorization: AccessKey <key> with a key of your app.",
        {"error_code": ErrorCode.INVALID_TOKEN},
    ),
    problems.InvalidAppKey: (
        401,
        "invalidAccessKeyError",
        "The callback's appKey is missing or unknown.",
        {"error_code": ErrorCode.INVALID_TOKEN},
    ),
    problems.InvalidMetricsToken: (
        401,
        "invalidAccessKeyError",
        "Send Authorization: Bearer <METRICS_TOKEN>.",
        {"error_code": ErrorCode.INVALID_TOKEN},
    ),
    problems.WrongMediaType: (
        415,
        "requiredJsonError",
        "Send the body as JSON, with Content-Type: application/json.",
        {"error_code": ErrorCode.INVALID_REQUEST},
    ),
    problems.NotJson: (
        400,
        "requiredJsonError",
        "The body is empty or no JSON in UTF-8.",
        {"error_code": ErrorCode.INVALID_REQUEST},
    ),
    domain.VerificationNotFound: (
        404,
        "notFoundError",
        "Your app has no such verification, or it ended more than an hour ago.",
        {},
    ),
    domain.KeyInFlight: (
        409,
        "conflictError",
        "The first request with this Idempotency-Key is still being worked on. Try again.",
        {"retry_after": AT_ONCE},
    ),
    domain.KeyReused: (
        422,
        "idempotencyMismatchError",
        "This Idempotency-Key came with another body before. Make a new key for a new request.",
        {},
    ),
    domain.TooManyCallsInFlight: (
        503,
        "rpcError",
        "Too many calls are being placed; nothing was reserved. Try again.",
        {"retry_after": SOON},
    ),
    NotFound: (404, "notFoundError", "There is no such path; see /docs.", {}),
    RequestEntityTooLarge: (413, "payloadTooLargeError", "The body is over 16 KiB.", {}),
}
"""What always gets the same answer."""


def install(app: Flask) -> None:
    """Give every error its answer. Flask picks the handler of the nearest class."""
    handlers: dict[type[Exception], Any] = {
        **dict.fromkeys(FIXED, _fixed),
        ValidationError: _invalid_scheme,
        domain.InvalidNumber: _invalid_number,
        domain.InvalidCallback: _invalid_data,
        domain.DestinationNotAllowed: _destination,
        domain.LimitReached: _limit,
        domain.CallFailed: _call_failed,
        domain.StoreUnavailable: _store_unavailable,
        MethodNotAllowed: _method_not_allowed,
        HTTPException: _malformed,
        InternalServerError: _bug_in_answering,
        Exception: _bug,
    }
    # Flask's own line about a bug would quote its message; ours has the frames alone.
    app.logger.disabled = True
    for kind, handler in handlers.items():
        app.register_error_handler(kind, handler)


def _problem(http: int, status: str, reason: str, **more: Any) -> Response:
    if http < 500 and more.get("error_code") in PAGE_REASONS:
        reason = f"{PAGE_REASONS[more['error_code']]} {reason}"
    response = jsonify(_answer.dump({"status": status, "error_reason": reason, **more}))
    response.status_code = http
    if "retry_after" in more:
        response.headers["Retry-After"] = str(more["retry_after"])
    return response


def _fixed(error: Exception) -> Response:
    http, status, reason, more = FIXED[type(error)]
    return _problem(http, status, reason, **more)


def _invalid_scheme(error: ValidationError) -> Response:
    reason = "The JSON has the wrong shape; see errors, by field."
    return _problem(
        400,
        "invalidSchemeError",
        reason,
        error_code=ErrorCode.INVALID_REQUEST,
        errors=_by_field(error),
    )


def _invalid_number(error: domain.InvalidNumber) -> Response:
    return _problem(400, "invalidDataError", error.reason, error_code=ErrorCode.INVALID_NUMBER)


def _invalid_data(error: domain.InvalidCallback) -> Response:
    return _problem(400, "invalidDataError", error.reason)


def _destination(error: domain.DestinationNotAllowed) -> Response:
    return _problem(403, "prohibitedForServiceError", error.reason)


def _limit(error: domain.LimitReached) -> Response:
    return _problem(
        429,
        "tooManyRequestsError",
        f"The limit {error.limit} lets this number start again in {error.retry_after} s.",
        error_code=ErrorCode.TOO_MANY_REQUESTS,
        limit=error.limit,
        retry_after=error.retry_after,
    )


def _call_failed(error: domain.CallFailed) -> Response:
    failure, more = error.failure, present.after_reservation(error.standing)
    if failure.error_code is not None:
        more["error_code"] = failure.error_code
    if failure.retry_after is not None:
        more["retry_after"] = failure.retry_after
    if failure.invalid_number:
        return _problem(400, "invalidDataError", failure.reason, **more)
    return _problem(502, "rpcError", failure.reason, **more)


def _store_unavailable(error: domain.StoreUnavailable) -> Response:
    log.error("store_unavailable", reason=error.reason)
    reason = "Redis cannot be reached, so nobody is verified by this answer. Try again."
    return _problem(503, "rpcError", reason, retry_after=SOON)


def _method_not_allowed(error: MethodNotAllowed) -> Response:
    reason = "The path exists, but not with this method; see Allow."
    response = _problem(405, "methodNotAllowedError", reason)
    response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _malformed(error: HTTPException) -> Response:
    """What else werkzeug finds wrong with a request, before any view sees it."""
    http = error.code if error.code and error.code < 500 else 400
    return _problem(http, "invalidSchemeError", "The request is malformed.")


def _bug(error: BaseException) -> Response:
    log.error("bug", error=type(error).__name__, where=where(error))
    reason = "A bug of this service; the log has it under this X-Request-ID."
    return _problem(500, "internalError", reason)


def _bug_in_answering(error: InternalServerError) -> Response:
    """A handler above failed, or something after a view; Flask wraps what it was."""
    return _bug(error.original_exception or error)


def _by_field(error: ValidationError) -> dict[str, Any]:
    if isinstance(error.messages, dict):
        return error.messages
    return {"_schema": error.messages}
