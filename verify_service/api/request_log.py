"""Gives every request an id, a log line and a duration."""

from __future__ import annotations

import time

import structlog
from flask import Flask, Response, g, request

from verify_service.domain.ids import request_id

HEADER = "X-Request-ID"
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

log = structlog.get_logger()


def install(app: Flask) -> None:
    """Give every request an id before its view runs, and a log line after."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.request_id = request_id(request.headers.get(HEADER))
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    # A path, its query and an unknown method may contain secrets. The log has the rule instead.
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
