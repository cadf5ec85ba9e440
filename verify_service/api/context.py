"""What the views share: the use cases, the metrics, and the app that sent the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast

from flask import current_app, g

from verify_service.api.request_log import RequestLine
from verify_service.domain.models import Readiness
from verify_service.domain.verification import Verifications

EXTENSION = "verify_service"


class RenderMetrics(Protocol):
    """Renders the counters for ``/metrics``."""

    def __call__(self, readiness: Readiness | None) -> bytes:
        """Return the counters.

        Args:
            readiness: The state in Redis; None if Redis does not answer.
        """


@dataclass(frozen=True, slots=True)
class Context:
    """What ``create_app`` gives to the views.

    Attributes:
        verifications: The use cases.
        render_metrics: Renders the counters.
        metrics_content_type: The Content-Type of what ``render_metrics`` returns.
        line: The log line of the current request.
    """

    verifications: Verifications
    render_metrics: RenderMetrics
    metrics_content_type: str
    line: RequestLine


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
