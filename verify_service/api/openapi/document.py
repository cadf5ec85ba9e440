"""Assembles the document."""

from __future__ import annotations

import functools
import inspect
import json
from typing import Any

from apispec import APISpec
from marshmallow import Schema

from verify_service import __version__
from verify_service.api import schemas
from verify_service.api.openapi.constraints import BLOCKED, CHECK_OUTCOMES, together
from verify_service.api.openapi.converter import marshmallow_plugin
from verify_service.api.openapi.failures import add_failures
from verify_service.api.openapi.forms import as_form
from verify_service.api.openapi.headers import add_headers
from verify_service.api.openapi.paths import add_paths

DESCRIPTION = """\
Phone verification by flash call. A login flow requests a call; the phone rings; the last four \
digits of the calling number are the code; the person types them; the service returns \
`verified: true`, once.

The callers are backends. Requests and responses are JSON in UTF-8. Durations are whole seconds \
and moments are unixtime in seconds. Every response has a `status`: `ok`, or a word for the error; \
errors add `reason`, a stable word for programs, and `errorReason`, a sentence for the developer. \
Responses may get more fields: ignore those you do not know. An optional field that is null counts \
as absent.

Four digits prove possession of a phone under strict limits. Do not use them as the only factor \
for an account that matters.

`/docs` is the guide."""

_VERSION = "3.1.1"

TAGS = {
    "Login flows": "For the backend of a login flow. With an access key.",
    "Provider": "For the provider of the calls. With its `appKey` in the body.",
    "Operations": "For the platform and for people.",
}

_EXTRAS: dict[type[Schema], dict[str, Any]] = {
    schemas.VerificationResponse: {"dependentRequired": BLOCKED},
    schemas.CheckResponse: {"dependentRequired": BLOCKED, "oneOf": CHECK_OUTCOMES},
    schemas.CallResponse: {"dependentRequired": together(("providerStatus", "at"))},
}
"""Constraints between fields."""


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
        plugins=[marshmallow_plugin()],
    )
    # The schema of a call comes with the verification that it is part of, else in its own name.
    for name in ("CallResponse", *(each for each in schemas.__all__ if each != "ErrorResponse")):
        if name not in spec.components.schemas:
            _add_schema(spec, getattr(schemas, name))
    form = as_form(spec.components.schemas["CallbackRequest"])
    spec.components.schema("CallbackForm", form | {"description": "A callback as a form."})
    add_headers(spec)
    add_failures(spec)
    add_paths(spec)
    return {"openapi": _VERSION, **spec.to_dict()}


@functools.cache
def text() -> str:
    """Return the document as it is served and as docs/openapi.json has it."""
    return json.dumps(document(), ensure_ascii=False, indent=2) + "\n"


def _add_schema(spec: APISpec, schema: type[Schema]) -> None:
    about = {"description": inspect.getdoc(schema), **_EXTRAS.get(schema, {})}
    spec.components.schema(schema.__name__, about, schema=schema)
    added = spec.components.schemas[schema.__name__]
    # In the order of the fields, not of the alphabet.
    added["required"] = [name for name in added["properties"] if name in added["required"]]
