"""Assembles the document.

Clients are generated from it, so it has only what the generators understand: one flat schema for
each body, and no constant but a string. ``make test-clients`` runs three of them.
"""

from __future__ import annotations

import functools
import inspect
import json
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

from verify_service import __version__
from verify_service.api import schemas
from verify_service.api.openapi.errors import add_errors
from verify_service.api.openapi.examples import examples
from verify_service.api.openapi.headers import add_headers
from verify_service.api.openapi.paths import TAGS, add_paths
from verify_service.api.openapi.webhooks import add_webhooks
from verify_service.api.schemas.fields import Camel, Request

DESCRIPTION = """\
Phone verification by flash call. A login flow requests a call; the phone rings; the last four \
digits of the calling number are the code; the person types them; the service returns \
`verified: true`, once.

The callers are backends. Requests and responses are JSON in UTF-8. Durations are whole seconds \
and moments are unixtime in seconds. Every response has a `status`: `ok`, or a word for the error; \
errors add `reason`, a stable word for programs, and `errorReason`, a sentence for the developer. \
Responses may get more fields, and fields with a list of words may get more words: ignore what you \
do not know. An optional field of a request that is null counts as absent. Operations share the \
descriptions of errors: each lists everything that its HTTP status can mean.

Four digits prove possession of a phone under strict limits. Do not use them as the only factor \
for an account that matters.

`/docs` is the guide."""

_VERSION = "3.1.1"


@functools.cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    spec = APISpec(
        title="verify-service",
        version=__version__,
        openapi_version=_VERSION,
        info={
            "summary": "Phone verification by flash call.",
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        servers=[{"url": "/", "description": "Where this document came from."}],
        tags=[{"name": name, "description": about} for name, about in TAGS.items()],
        plugins=[_Plugin(schema_name_resolver=_name_of)],
    )
    # A schema comes before the one that it is part of, else it would be added in its own name.
    parts = ("CallAnswer", "VerificationAnswer")
    for name in (*parts, *(each for each in schemas.__all__ if each not in parts)):
        _add_schema(spec, getattr(schemas, name))
    for name, example in examples().items():
        spec.components.example(name, example)
    add_headers(spec)
    add_errors(spec)
    add_paths(spec)
    built = {"openapi": _VERSION, **spec.to_dict()}
    add_webhooks(built)
    return built


@functools.cache
def text() -> str:
    """Return the document as it is served and as docs/openapi.json has it."""
    return json.dumps(document(), ensure_ascii=False, indent=2) + "\n"


def _add_schema(spec: APISpec, schema: type[Camel]) -> None:
    about = {"description": inspect.getdoc(schema)}
    spec.components.schema(schema.__name__, about, schema=schema)
    added = spec.components.schemas[schema.__name__]
    # In the order of the fields, not of the alphabet.
    added["required"] = [name for name in added["properties"] if name in added["required"]]


class _Plugin(MarshmallowPlugin):
    """Teaches apispec our own fields."""

    def init_spec(self, spec: Any) -> None:
        super().init_spec(spec)
        assert self.converter  # noqa: S101 - set by the line above
        self.converter.add_attribute_function(_field_schema)  # type: ignore[no-untyped-call]


def _name_of(schema: Any) -> str:
    return (schema if isinstance(schema, type) else type(schema)).__name__


def _field_schema(_converter: Any, field: fields.Field[Any], ret: dict[str, Any]) -> dict[str, Any]:
    """Return the keywords of JSON Schema for a field, beyond its type.

    Args:
        ret: The keywords so far. It may be changed.
    """
    if isinstance(field, fields.Constant):
        del ret["default"]
        return {"type": "string", "const": field.constant}
    own: dict[str, Any] = dict(getattr(field, "JSON_SCHEMA", {}))
    if own:
        ret.pop("format", None)
    if isinstance(field.parent, Request) and not field.required:
        own["type"] = [own.get("type") or ret["type"], "null"]
    return own
