"""The platform and the operator: is it alive, is it ready, what has it done."""

from __future__ import annotations

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue

from verify_service.api.auth import header, is_one_of
from verify_service.api.context import context, verifications
from verify_service.api.problems import InvalidMetricsToken
from verify_service.domain.errors import StoreUnavailable
from verify_service.telemetry.metrics import CONTENT_TYPE


def operations_blueprint(metrics_token: str | None, *, production: bool) -> Blueprint:
    """Return the blueprint.

    Args:
        metrics_token: What ``/metrics`` asks for; without one it is open in development and
            hidden in production.
    """
    blueprint = Blueprint("operations", __name__)

    @blueprint.get("/healthz")
    def healthz() -> ResponseReturnValue:
        """The process is alive."""
        return {"status": "ok"}

    @blueprint.get("/readyz")
    def readyz() -> ResponseReturnValue:
        """Redis takes writes, so checks can be served, and starts unless calls are paused."""
        ready = verifications().readiness()
        calls = "paused" if ready.calls_paused else "breaker" if ready.breaker_open else "open"
        return {"status": "ok", "calls": calls}

    @blueprint.get("/metrics")
    def metrics() -> ResponseReturnValue:
        """The counters."""
        if metrics_token is None and production:
            abort(404)
        scheme, _, shown = (header("Authorization") or "").partition(" ")
        known = scheme.lower() == "bearer" and is_one_of([(metrics_token or "").encode()], shown)
        if metrics_token is not None and not known:
            raise InvalidMetricsToken
        counters = context().metrics.render(breaker_open=_breaker_open())
        return Response(counters, content_type=CONTENT_TYPE)

    return blueprint


def _breaker_open() -> bool | None:
    try:
        return verifications().readiness().breaker_open
    except StoreUnavailable:  # the counters are wanted all the more
        return None
