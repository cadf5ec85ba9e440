"""The canonical log line: one line per request, with what was decided and how long it took.

Its fields are collected while the request runs. Each thread and each greenlet has its own request.
Warnings and errors are further lines, with the same request id.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import cached_property
from typing import Any

import structlog
from structlog.typing import EventDict

_fields: ContextVar[dict[str, Any] | None] = ContextVar("fields", default=None)


class CanonicalLine:
    """The line of the current request. Outside of requests, nothing is collected."""

    def begin(self, request_id: str) -> None:
        """Begin the line of a request."""
        _fields.set({"request_id": request_id})

    def note(self, **fields: Any) -> None:
        """Add fields."""
        if (line := _fields.get()) is not None:
            line.update(fields)

    def append(self, field: str, value: object) -> None:
        """Add a value to a field that is a list."""
        if (line := _fields.get()) is not None:
            line.setdefault(field, []).append(value)

    def add_time(self, field: str, seconds: float) -> None:
        """Add a duration to a field that is the sum of them, in milliseconds."""
        if (line := _fields.get()) is not None:
            line[field] = round(line.get(field, 0) + seconds * 1000, 1)

    def write(self, **fields: Any) -> None:
        """Write the line, with these fields too. A field that is None is left out."""
        known = {name: value for name, value in fields.items() if value is not None}
        self._log.info("request", **(_fields.get() or {}), **known)

    def end(self) -> None:
        """End the line: what follows belongs to no request."""
        _fields.set(None)

    @cached_property
    def _log(self) -> Any:
        # get_logger() would set a logger up for each line.
        return structlog.get_logger().bind()


def with_request_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Add the id of the current request, if there is one. It is a structlog processor."""
    line = _fields.get()
    if line is not None:
        event["request_id"] = line["request_id"]
    return event
