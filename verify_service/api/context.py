"""What the views share: the use cases of this application, and the app that is asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app, g

from verify_service.domain.verification import Verifications
from verify_service.telemetry.metrics import Metrics

EXTENSION = "verify_service"


@dataclass(frozen=True, slots=True)
class Context:
    """What ``create_app`` puts together for the views."""

    verifications: Verifications
    metrics: Metrics


def context() -> Context:
    """Return the application's context."""
    return cast(Context, current_app.extensions[EXTENSION])


def verifications() -> Verifications:
    """Return the use cases."""
    return cast(Context, current_app.extensions[EXTENSION]).verifications


def caller() -> str:
    """Return the name of the app whose key the request carries."""
    return cast(str, g.app)
