"""Writes the table of errors into the document, each row with examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from apispec import APISpec

from verify_service.api import schemas, vocabulary
from verify_service.api.error_responses import describe
from verify_service.api.errors import ERRORS, RESERVED_FIELDS, ErrorKind
from verify_service.api.openapi.constraints import together
from verify_service.api.openapi.error_examples import ERROR_EXAMPLES
from verify_service.api.openapi.examples import example

_COMMON = ("status", "reason", "errorReason")

RESPONSES: dict[str, tuple[str, ...]] = {
    "BadRequest": ("malformed",),
    "BadStart": (
        *("notJson", "startFields", "idempotencyKey", "malformed"),
        *("number", "numberRefused"),
    ),
    "BadCheck": ("notJson", "checkFields", "idempotencyKey", "malformed"),
    "BadCancel": ("truncated", "malformed"),
    "BadCallback": ("notJson", "callbackFields", "malformed", "callbackNumber", "timestamp"),
    "NoAccessKey": ("accessKey",),
    "NoAppKey": ("appKey",),
    "NoMetricsToken": ("metricsToken",),
    "DestinationNotAllowed": ("destination",),
    "NoSuchVerification": ("verification",),
    "NoSuchPath": ("path",),
    "MethodNotAllowed": ("method",),
    "SlowBody": ("slowBody",),
    "KeyInFlight": ("keyInFlight",),
    "BodyTooLarge": ("tooLarge",),
    "WrongMediaType": ("mediaType",),
    "KeyReused": ("keyReused",),
    "LimitReached": ("cooldown", "locked", "wide"),
    "Bug": ("bug",),
    "CallFailed": ("refused", "throttled", "unreadable"),
    "StoreUnavailable": ("redis",),
    "Unavailable": ("redis", "breaker", "paused", "calls"),
}
"""The error responses that operations share, each with the names of its examples."""


def add_failures(spec: APISpec) -> None:
    """Add a schema for each row of the table, and the responses of them."""
    # Lazy: the rows take their fields from it, but it is not a component itself.
    spec.components.schema("ErrorResponse", schema=schemas.ErrorResponse, lazy=True)
    every = spec.components.schemas_lazy["ErrorResponse"]["properties"]
    for kind in ERRORS:
        _add_schema(spec, kind, every)
    for name, names in RESPONSES.items():
        spec.components.response(name, _response(names))


def http_status(name: str) -> str:
    """Return the HTTP status of one of the responses."""
    kind, _ = describe(ERROR_EXAMPLES[RESPONSES[name][0]][1])
    return str(kind.http)


def _add_schema(spec: APISpec, kind: ErrorKind, every: Mapping[str, Any]) -> None:
    always = (*_COMMON, *kind.always)
    properties = deepcopy({name: every[name] for name in (*always, *kind.sometimes)})
    properties["status"]["const"] = kind.status
    properties["reason"] |= _words(kind)
    if kind.error_code is not None:
        properties["errorCode"]["const"] = int(kind.error_code)
    schema = {
        "description": kind.when,
        "type": "object",
        "properties": properties,
        "required": list(always),
    }
    if set(RESERVED_FIELDS) <= set(kind.sometimes):
        schema["dependentRequired"] = together(RESERVED_FIELDS)
    spec.components.schema(f"{kind.name}Error", schema)


def _words(kind: ErrorKind) -> dict[str, list[str]]:
    meanings = {**vocabulary.REASONS, **vocabulary.LIMITS}
    return {
        "x-extensible-enum": list(kind.reasons),
        "x-enum-descriptions": [meanings[word] for word in kind.reasons],
    }


def _response(names: Sequence[str]) -> dict[str, Any]:
    responses = {name: describe(ERROR_EXAMPLES[name][1]) for name in names}
    among = list(dict.fromkeys(kind for kind, _ in responses.values()))
    examples = {
        name: example(ERROR_EXAMPLES[name][0], body) for name, (_, body) in responses.items()
    }
    return {
        "description": _description(among),
        "headers": _headers(among),
        "content": {"application/json": {"schema": _schema(among), "examples": examples}},
    }


def _description(among: Sequence[ErrorKind]) -> str:
    if len(among) == 1:
        return among[0].when
    return "\n".join(f"- `{kind.status}`: {kind.when}" for kind in among)


def _headers(among: Sequence[ErrorKind]) -> dict[str, str]:
    headers = {"X-Request-ID": "RequestId"}
    if any("retryAfter" in kind.always for kind in among):
        headers["Retry-After"] = "RetryAfter"
    if any("retryAfter" in kind.sometimes for kind in among):
        headers["Retry-After"] = "RetryAfterThrottle"
    if any(kind.http == 405 for kind in among):
        headers["Allow"] = "Allow"
    return headers


def _schema(among: Sequence[ErrorKind]) -> dict[str, Any]:
    references = {kind.status: f"#/components/schemas/{kind.name}Error" for kind in among}
    if len(references) == 1:
        (reference,) = references.values()
        return {"$ref": reference}
    return {
        "oneOf": [{"$ref": reference} for reference in references.values()],
        "discriminator": {"propertyName": "status", "mapping": references},
    }
