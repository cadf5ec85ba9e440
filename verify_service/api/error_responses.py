"""Builds the response to an exception from its row in ``errors.py``, and logs what has to be."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import structlog
from flask import Flask, Response, jsonify
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from verify_service.api import responses
from verify_service.api.context import note
from verify_service.api.errors import (
    DESTINATION_REASONS,
    ERRORS,
    PROVIDER_REASONS,
    PROVIDER_SENTENCES,
    Cause,
    ErrorKind,
)
from verify_service.api.schemas import ErrorAnswer
from verify_service.domain import errors as domain

_BODY = ErrorAnswer()
_ROWS = {cause.exception: (kind, cause) for kind in ERRORS for cause in kind.causes}

log = structlog.get_logger()


def install(app: Flask) -> None:
    """Make the application answer every exception by the table."""
    # Flask's own log line of a bug has the message; ours has the frames alone.
    app.logger.disabled = True
    app.register_error_handler(Exception, respond)


def respond(error: Exception) -> Response:
    """Return the response to a request that raised ``error``."""
    kind, body = describe(error)
    note(reason=body.get("reason"))
    _log(error, kind)
    response = jsonify(body)
    response.status_code = _http_status(error, kind)
    if "retryAfter" in body:
        response.headers["Retry-After"] = str(body["retryAfter"])
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def describe(error: Exception) -> tuple[ErrorKind, dict[str, Any]]:
    """Return the row of an exception and the body in JSON."""
    kind, cause = _row(error)
    fields = {
        "reason": cause.reason,
        "error_code": kind.error_code,
        "retry_after": kind.retry_after,
        **facts(error),
    }
    known = {name: value for name, value in fields.items() if value is not None}
    sentence = cause.sentence.format(error=error)
    if kind.http < 500 and known.get("error_code") in PROVIDER_SENTENCES:
        sentence = f"{PROVIDER_SENTENCES[known['error_code']]} {sentence}"
    body: dict[str, Any] = _BODY.dump({"status": kind.status, "error_reason": sentence, **known})
    return kind, body


@singledispatch
def facts(_: Exception) -> dict[str, Any]:
    """Return the fields of the body that come from the exception and not from its row.

    A field that is None is left out, also if the row has it.
    """
    return {}


@facts.register
def _(error: ValidationError) -> dict[str, Any]:
    return {"errors": _by_field(error)}


@facts.register
def _(_: domain.InvalidCallback) -> dict[str, Any]:
    return {"error_code": None}  # the row's is for numbers


@facts.register
def _(error: domain.DestinationNotAllowed) -> dict[str, Any]:
    return {"reason": DESTINATION_REASONS[error.rule]}


@facts.register
def _(error: domain.LimitReached) -> dict[str, Any]:
    return {"reason": error.limit, "limit": error.limit, "retry_after": error.retry_after}


@facts.register(domain.CallsPaused)
@facts.register(domain.CallsSuspended)
def _(error: domain.CallsPaused | domain.CallsSuspended) -> dict[str, Any]:
    return {"retry_after": error.retry_after}


@facts.register
def _(error: domain.CallFailed) -> dict[str, Any]:
    failure = error.failure
    return {
        **responses.after_reservation(error.view),
        "reason": PROVIDER_REASONS[failure.kind],
        "error_code": failure.error_code,
        "retry_after": failure.retry_after,
    }


@facts.register
def _(error: domain.NumberRejected) -> dict[str, Any]:
    return responses.after_reservation(error.view)


def _row(error: Exception) -> tuple[ErrorKind, Cause]:
    """Return the row of the exception's class, or of the nearest base class that has one."""
    return next(_ROWS[each] for each in type(error).__mro__ if each in _ROWS)


def _http_status(error: Exception, kind: ErrorKind) -> int:
    """Return the row's status, or that of a 4xx by Werkzeug that has no row of its own."""
    if isinstance(error, HTTPException) and error.code and error.code < 500:
        return error.code
    return kind.http


def _log(error: Exception, kind: ErrorKind) -> None:
    if isinstance(error, domain.StoreUnavailable):
        log.error("store_unavailable", reason=error.reason, state=f"Redis {error.state}.")
    elif kind.http == 500:
        # Flask wraps a bug in a handler or after a view.
        log.error("bug", exc_info=getattr(error, "original_exception", None) or error)


def _by_field(error: ValidationError) -> dict[str, Any]:
    if isinstance(error.messages, dict):
        return error.messages
    return {"_schema": error.messages}
