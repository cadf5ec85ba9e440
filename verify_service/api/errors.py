"""The one table from what went wrong to what HTTP says of it."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, Response, jsonify
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException, InternalServerError

from verify_service import errors as domain
from verify_service.api import present, problems
from verify_service.api.schemas import ErrorAnswer
from verify_service.logs import where

INVALID_TOKEN, THROTTLED, INVALID_REQUEST, INVALID_NUMBER = 1, 4, 10, 11
"""Our errors that the provider's table has a number for."""
SOON = 2
"""Seconds after which a try after a 503 makes sense."""

log = structlog.get_logger(__name__)
_answer = ErrorAnswer()

HTTP_ERRORS = {
    404: ("notFoundError", "There is no such path. The paths are listed in the README."),
    405: ("methodNotAllowedError", "The path exists, but not with this method; see Allow."),
    413: ("payloadTooLargeError", "The body is larger than 16 KiB."),
    401: ("invalidAccessKeyError", "Send Authorization: Bearer <METRICS_TOKEN>."),
}


def install(app: Flask) -> None:
    """Give every error its answer. Flask picks the handler of the nearest class."""
    handlers: dict[type[Exception], Any] = {
        problems.InvalidAccessKey: _invalid_access_key,
        problems.InvalidAppKey: _invalid_app_key,
        problems.WrongMediaType: _wrong_media_type,
        problems.NotJson: _not_json,
        ValidationError: _invalid_scheme,
        domain.InvalidNumber: _invalid_number,
        domain.InvalidCallback: _invalid_data,
        domain.DestinationNotAllowed: _destination,
        domain.VerificationNotFound: _not_found,
        domain.LimitReached: _limit,
        domain.CallFailed: _call_failed,
        domain.StoreUnavailable: _store_unavailable,
        domain.TooManyCallsInFlight: _too_many_in_flight,
        HTTPException: _http,
        InternalServerError: _bug_in_answering,
        Exception: _bug,
    }
    # Flask's own line about a bug would quote its message; ours has the frames alone.
    app.logger.disabled = True
    for kind, handler in handlers.items():
        app.register_error_handler(kind, handler)


def _problem(http: int, status: str, reason: str, **more: Any) -> Response:
    response = jsonify(_answer.dump({"status": status, "error_reason": reason, **more}))
    response.status_code = http
    if "retry_after" in more:
        response.headers["Retry-After"] = str(more["retry_after"])
    return response


def _invalid_access_key(_: problems.InvalidAccessKey) -> Response:
    reason = "Send X-Authorization: AccessKey <key> with a key of your app."
    return _problem(401, "invalidAccessKeyError", reason, error_code=INVALID_TOKEN)


def _invalid_app_key(_: problems.InvalidAppKey) -> Response:
    reason = "The callback's appKey is missing or unknown."
    return _problem(401, "invalidAccessKeyError", reason, error_code=INVALID_TOKEN)


def _wrong_media_type(_: problems.WrongMediaType) -> Response:
    reason = "Send the body as JSON, with Content-Type: application/json."
    return _problem(415, "requiredJsonError", reason, error_code=INVALID_REQUEST)


def _not_json(_: problems.NotJson) -> Response:
    reason = "The body is empty or no JSON in UTF-8."
    return _problem(400, "requiredJsonError", reason, error_code=INVALID_REQUEST)


def _invalid_scheme(error: ValidationError) -> Response:
    reason = "The JSON has the wrong shape; see errors, by field."
    return _problem(
        400,
        "invalidSchemeError",
        reason,
        error_code=INVALID_REQUEST,
        errors=_by_field(error),
    )


def _invalid_number(error: domain.InvalidNumber) -> Response:
    return _problem(400, "invalidDataError", error.reason, error_code=INVALID_NUMBER)


def _invalid_data(error: domain.InvalidCallback) -> Response:
    return _problem(400, "invalidDataError", error.reason)


def _destination(error: domain.DestinationNotAllowed) -> Response:
    return _problem(403, "prohibitedForServiceError", error.reason)


def _not_found(_: domain.VerificationNotFound) -> Response:
    reason = "Your app has no such verification, or it ended more than an hour ago."
    return _problem(404, "notFoundError", reason)


def _limit(error: domain.LimitReached) -> Response:
    return _problem(
        429,
        "tooManyRequestsError",
        f"The limit {error.limit} lets this number start again in {error.retry_after} s.",
        error_code=THROTTLED,
        limit=error.limit,
        retry_after=error.retry_after,
    )


def _call_failed(error: domain.CallFailed) -> Response:
    refusal, more = error.refusal, present.after_reservation(error.standing)
    if refusal.error_code is not None:
        more["error_code"] = refusal.error_code
    if refusal.retry_after is not None:
        more["retry_after"] = refusal.retry_after
    if refusal.invalid_number:
        return _problem(400, "invalidDataError", refusal.reason, **more)
    return _problem(502, "rpcError", refusal.reason, **more)


def _store_unavailable(error: domain.StoreUnavailable) -> Response:
    log.error("store_unavailable", error=type(error.__cause__).__name__)
    reason = "Redis cannot be reached, so nobody is verified by this answer. Try again."
    return _problem(503, "rpcError", reason, retry_after=SOON)


def _too_many_in_flight(_: domain.TooManyCallsInFlight) -> Response:
    reason = "Too many calls are being placed; nothing was reserved. Try again."
    return _problem(503, "rpcError", reason, retry_after=SOON)


def _http(error: HTTPException) -> Response:
    http = error.code or 500
    status, reason = HTTP_ERRORS.get(http, ("invalidSchemeError", "The request is malformed."))
    response = _problem(http, status, reason)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


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
