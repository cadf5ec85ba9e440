"""For the platform and the operator: health, readiness, metrics."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from verify_service.api import responses, schemas
from verify_service.api.auth import metrics_guard
from verify_service.api.body import dump
from verify_service.api.context import context, verifications

HEALTH_RESPONSE = schemas.HealthAnswer()
READY_RESPONSE = schemas.ReadyAnswer()


def operations_blueprint(metrics_token: str | None, *, production: bool) -> Blueprint:
    """Return the blueprint.

    Args:
        metrics_token: The token of ``/metrics``. Without one it is open in development, and 404 in
            production.
        production: Whether this is production.
    """
    blueprint = Blueprint("operations", __name__)
    require_token = metrics_guard(metrics_token, production=production)

    @blueprint.get("/healthz")
    def healthz() -> ResponseReturnValue:
        """Report that the process is alive."""
        return dump(HEALTH_RESPONSE, {})

    @blueprint.get("/readyz")
    def readyz() -> ResponseReturnValue:
        """Report that Redis accepts writes, and whether calls are placed."""
        return dump(READY_RESPONSE, responses.readiness(verifications().readiness()))

    @blueprint.get("/metrics")
    def metrics() -> ResponseReturnValue:
        """Return the metrics."""
        require_token()
        return Response(context().render_metrics(), content_type=context().metrics_content_type)

    return blueprint
