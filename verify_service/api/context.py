"""What the views share: the use cases, the metrics, and the app that sent the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from flask import current_app, g

from verify_service.api.request_log import CanonicalLine
from verify_service.domain.verification import Verifications

EXTENSION = "verify_service"


@dataclass(frozen=True, slots=True)
class Context:
    """What ``create_app`` gives to the views.

    Attributes:
        verifications: The use cases.
        render_metrics: Renders ``/metrics``.
        metrics_content_type: The Content-Type of what ``render_metrics`` returns.
        line: The log line of the current request.
    """

    verifications: Verifications
    render_metrics: Callable[[], bytes]
    metrics_content_type: str
    line: CanonicalLine


def context() -> Context:
    """Return the application's context."""
    return cast(Context, current_app.extensions[EXTENSION])


def verifications() -> Verifications:
    """Return the use cases."""
    return context().verifications


def note(**fields: Any) -> None:
    """Add fields to the log line of the request."""
    context().line.note(**fields)


def calling_app() -> str:
    """Return the name of the app whose access key the request has."""
    return cast(str, g.app)
