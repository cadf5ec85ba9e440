"""Errors in the document: from the table of kinds, and from what ``errors.py`` says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from apispec import APISpec

from verify_service.api import errors, kinds, schemas
from verify_service.api.kinds import ErrorKind
from verify_service.api.openapi.constraints import together
from verify_service.api.openapi.error_examples import ERROR_EXAMPLES
from verify_service.api.openapi.examples import example

_COMMON = ("status", "errorReason")

RESPONSES: dict[str, tuple[str, ...]] = {
    "BadRequest": ("malformed",),
    "BadStart": (
        *("notJson", "startFields", "idempotencyKey", "malformed"),
        *("number", "numberRefused"),
    ),
    "BadCheck": ("notJson", "checkFields", "idempotencyKey", "malformed"),
    "BadCallback": ("notJson", "callbackFields", "malformed", "callbackNumber", "timestamp"),
    "NoAccessKey": ("accessKey",),
    "NoAppKey": ("appKey",),
    "NoMetricsToken": ("metricsToken",),
    "DestinationNotAllowed": ("destination",),
    "NoSuchVerification": ("verification",),
    "NoSuchPath": ("path",),
    "MethodNotAllowed": ("method",),
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
"""Each answer that operations share, by what can lead to it."""


def add_failures(spec: APISpec) -> None:
    """Add a schema for each kind of error, and the answers made of them."""
    # Not a component of its own, but what the kinds take their fields from.
    spec.components.schema("ErrorAnswer", schema=schemas.ErrorAnswer, lazy=True)
    every = spec.components.schemas_lazy["ErrorAnswer"]["properties"]
    for kind in kinds.KINDS:
        _add_schema(spec, kind, every)
    for name, names in RESPONSES.items():
        spec.components.response(name, _response(names))


def http_status(name: str) -> str:
    """Return the HTTP status of one of the answers."""
    kind, _ = errors.answer(ERROR_EXAMPLES[RESPONSES[name][0]][1])
    return str(kind.http)


def _add_schema(spec: APISpec, kind: ErrorKind, every: Mapping[str, Any]) -> None:
    always = (*_COMMON, *kind.always)
    properties = deepcopy({name: every[name] for name in (*always, *kind.sometimes)})
    properties["status"]["const"] = kind.status
    if kind.error_code is not None:
        properties["errorCode"]["const"] = int(kind.error_code)
    schema = {
        "description": kind.when,
        "type": "object",
        "properties": properties,
        "required": list(always),
    }
    if set(kinds.RESERVED) <= set(kind.sometimes):
        schema["dependentRequired"] = together(kinds.RESERVED)
    spec.components.schema(f"{kind.name}Error", schema)


def _response(names: Sequence[str]) -> dict[str, Any]:
    answers = {name: errors.answer(ERROR_EXAMPLES[name][1]) for name in names}
    among = list(dict.fromkeys(kind for kind, _ in answers.values()))
    examples = {name: example(ERROR_EXAMPLES[name][0], body) for name, (_, body) in answers.items()}
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
