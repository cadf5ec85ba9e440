"""The body of an event, as it is posted to a login flow."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from verify_service.api import responses, schemas
from verify_service.domain.next_action import VerificationView

_SCHEMA = schemas.VerificationEvent()


def event(type: str, at_ms: int, view: VerificationView) -> bytes:  # noqa: A002 - the field's name
    """Return the JSON of an event, in ASCII: a signature fits one encoding of the body alone.

    Args:
        type: One of ``vocabulary.EVENTS``.
        at_ms: When the change happened: unixtime in milliseconds.
        view: The verification right after the change.
    """
    return json.dumps(event_fields(type, at_ms, view), separators=(",", ":")).encode()


def event_fields(type: str, at_ms: int, view: VerificationView) -> dict[str, Any]:  # noqa: A002
    """Return the fields of an event's body. See :func:`event`."""
    fields = {
        "type": type,
        "timestamp": _iso8601(at_ms),
        "data": responses.verification(view),
    }
    dumped: dict[str, Any] = _SCHEMA.dump(fields)
    return dumped


def _iso8601(at_ms: int) -> str:
    seconds, milliseconds = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"
