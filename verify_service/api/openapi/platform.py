"""What the platform and people may ask for."""

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
            {"200": ok("It is.", "HealthAnswer", examples.health())},
        ),
        "/readyz": _page(
            "isReady",
            "Can starts and checks be served?",
            {"200": ok("They can.", "ReadyAnswer", examples.ready())},
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
            content("One page, which loads nothing.", "text/html", _media("string"), _GUARDED),
        ),
    }


def _metrics() -> dict[str, Any]:
    media = {"schema": {"type": "string"}, "example": _METRICS}
    answer = content("The counters of all processes.", "text/plain", media)
    return {
        **_page(
            "readMetrics",
            "Counters, for Prometheus",
            {"200": answer},
            *("NoMetricsToken", "NoSuchPath"),
        ),
        "description": "With the operator's `METRICS_TOKEN`. Where none is set: open in "
        "development, and 404 in production.",
        "security": [{"metricsToken": []}, {}],
    }


def _cached(name: str, summary: str, answer: dict[str, Any]) -> dict[str, Any]:
    unchanged = {"description": "As it was.", "headers": answer["headers"]}
    page = _page(name, summary, {"200": answer, "304": unchanged})
    return page | {"parameters": ["IfNoneMatch", "RequestId"]}


def _page(
    name: str, summary: str, answers: Mapping[str, dict[str, Any]], *errors: str
) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": ["Operations"],
        "summary": summary,
        "security": [],
        "parameters": ["RequestId"],
        "responses": {**answers, **failures("BadRequest", "Bug", *errors)},
    }


def _media(kind: str) -> dict[str, Any]:
    return {"schema": {"type": kind}}
