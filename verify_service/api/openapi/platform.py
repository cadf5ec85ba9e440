"""The operations for the platform and for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify_service.api.openapi import examples
from verify_service.api.openapi.parts import JSON, content, failures, ok

_METRICS = """\
# HELP verify_checks_total Checks.
# TYPE verify_checks_total counter
verify_checks_total{verdict="right"} 1.0
"""
_CACHED = {"ETag": "ETag", "Cache-Control": "CacheControl"}
_GUARDED = {
    **_CACHED,
    "Content-Security-Policy": "ContentSecurityPolicy",
    "Referrer-Policy": "ReferrerPolicy",
}


def platform() -> Mapping[str, dict[str, Any]]:
    """Return each operation by its path. All of them are GETs."""
    return {
        "/healthz": _page(
            "isAlive",
            "Is the process alive?",
            {"200": ok("It is.", "HealthResponse", examples.health())},
        ),
        "/readyz": _page(
            "isReady",
            "Can starts and checks be served?",
            {"200": ok("They can.", "ReadyResponse", examples.ready())},
            "StoreUnavailable",
        ),
        "/metrics": _metrics(),
        "/openapi.json": _cached(
            "readOpenApi",
            "This document",
            content("OpenAPI 3.1.", JSON, _media("object"), _CACHED),
        ),
        "/docs": _cached(
            "readDocs",
            "The guide and this reference, for people",
            content("One page that loads nothing else.", "text/html", _media("string"), _GUARDED),
        ),
    }


def _metrics() -> dict[str, Any]:
    media = {"schema": {"type": "string"}, "example": _METRICS}
    response = content("The counters of all processes.", "text/plain", media)
    return {
        **_page(
            "readMetrics",
            "Counters, for Prometheus",
            {"200": response},
            *("NoMetricsToken", "NoSuchPath"),
        ),
        "description": "With the operator's `METRICS_TOKEN`. If none is set: open in "
        "development, and 404 in production.",
        "security": [{"metricsToken": []}, {}],
    }


def _cached(name: str, summary: str, response: dict[str, Any]) -> dict[str, Any]:
    unchanged = {"description": "Unchanged.", "headers": response["headers"]}
    page = _page(name, summary, {"200": response, "304": unchanged})
    return page | {"parameters": ["IfNoneMatch", "RequestId"]}


def _page(
    name: str, summary: str, responses: Mapping[str, dict[str, Any]], *errors: str
) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": ["Operations"],
        "summary": summary,
        "security": [],
        "parameters": ["RequestId"],
        "responses": {**responses, **failures("BadRequest", "Bug", *errors)},
    }


def _media(kind: str) -> dict[str, Any]:
    return {"schema": {"type": kind}}
