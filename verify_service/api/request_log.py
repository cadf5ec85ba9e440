"""Gives every request an id, a duration and a log line: a layer around the WSGI application."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from flask import Request

from verify_service.domain.ids import request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADER = "X-Request-ID"
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class CanonicalLine(Protocol):
    """The log line of the current request. Its fields are collected while the request runs."""

    def begin(self, request_id: str) -> None:
        """A request arrived."""

    def note(self, **fields: Any) -> None:
        """Add fields."""

    def write(self, **fields: Any) -> None:
        """The request is answered. A field that is None is left out."""

    def end(self) -> None:
        """What follows belongs to no request."""


RequestAnswered = Callable[[str | None, int, float], None]
"""Called with the rule of a request's URL (None without one), the HTTP status and the seconds."""


class RequestLog:
    """Passes requests to the application, and writes one log line for each."""

    def __init__(
        self, application: WSGIApplication, line: CanonicalLine, answered: RequestAnswered
    ) -> None:
        self._application = application
        self._line = line
        self._answered = answered

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        began = time.perf_counter()
        own_id = request_id(environ.get("HTTP_X_REQUEST_ID"))
        self._line.begin(own_id)

        def respond(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            # Called before Flask removes the request.
            self._write(environ, int(status.partition(" ")[0]), time.perf_counter() - began)
            return start_response(status, [*headers, (HEADER, own_id)], *more)

        try:
            return self._application(environ, respond)
        except BaseException:  # the server ended it, and answers itself
            self._write(environ, 500, time.perf_counter() - began)
            raise
        finally:
            self._line.end()

    def _write(self, environ: WSGIEnvironment, http: int, seconds: float) -> None:
        # A path, its query and an unknown method may contain secrets. The log has the rule instead.
        request: Request | None = environ.get("werkzeug.request")
        rule = request.url_rule.rule if request and request.url_rule else None
        method = environ["REQUEST_METHOD"]
        self._answered(rule, http, seconds)
        self._line.write(
            method=method if method in _METHODS else None,
            rule=rule,
            http=http,
            ms=round(seconds * 1000, 1),
        )
