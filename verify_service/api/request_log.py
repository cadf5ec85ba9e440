"""Around every request: its id, its log line, its duration."""

from __future__ import annotations

import time
import uuid

import structlog
from flask import Flask, Response, g, request

from verify_service.telemetry.logs import REQUEST_ID

HEADER = "X-Request-ID"
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

log = structlog.get_logger()


def install(app: Flask) -> None:
    """Give every request an id before it is worked on and a log line after."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if REQUEST_ID.match(given) else uuid.uuid4().hex
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    # The rule, never the path or its query, and no method of the caller's invention: secrets may
    # stand in each.
    method = request.method if request.method in _METHODS else None
    rule = request.url_rule.rule if request.url_rule else None
    log.info(
        "request",
        method=method,
        rule=rule,
        http=response.status_code,
        ms=round((time.perf_counter() - g.began) * 1000, 1),
    )
    return response
