"""Builds the objects of which operations consist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify_service.api.openapi.examples import Examples
from verify_service.api.openapi.failures import http_status

JSON = "application/json"
REQUEST_ID = {"X-Request-ID": "RequestId"}


def body(schema: str, examples: Examples) -> dict[str, Any]:
    """Return a Request Body Object: JSON."""
    return {"required": True, "content": {JSON: {"schema": schema, "examples": examples}}}


def ok(
    description: str,
    schema: str,
    examples: Examples,
    *,
    headers: Mapping[str, str] | None = None,
    links: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a Response Object with JSON in it."""
    response = content(description, JSON, {"schema": schema, "examples": examples}, headers)
    return response | ({"links": links} if links else {})


def content(
    description: str,
    kind: str,
    media: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a Response Object of any kind."""
    return {
        "description": description,
        "headers": {**REQUEST_ID, **(headers or {})},
        "content": {kind: media},
    }


def failures(*names: str) -> dict[str, str]:
    """Return the Responses of errors: names of components, by HTTP status."""
    by_status = {http_status(name): name for name in names}
    assert len(by_status) == len(names), "two responses for one HTTP status"  # noqa: S101
    return dict(sorted(by_status.items()))
