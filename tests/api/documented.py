"""Compares every answer of every test in this folder with the OpenAPI document.

It is stricter than the document, which has one flat schema for each body, and allows answers to
have more fields and words one day. Here an undocumented field, word or header is a failure; an
error has the fields of its row in the table of errors; the fields of an answer agree.
"""

from __future__ import annotations

import copy
import functools
import ipaddress
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from verify_service.api.errors import ERRORS, RESERVED_FIELDS, ErrorKind
from verify_service.api.openapi import document

_UNDERSTOOD = {"Content-Type", "Content-Length", "Date"}
"""Headers that the HTTP standard explains."""
ERROR = {"$ref": "#/components/schemas/ErrorAnswer"}


def _never(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, False)


_BLOCKED = {"limit": ["retryAfter"], "retryAfter": ["limit"]}
_ONLY_WHERE_OPEN = ("expiresIn", "restartIn", "limit", "retryAfter")
_TEST = {"test": {"const": True}}

AGREEMENTS: dict[str, dict[str, Any]] = {
    "CallAnswer": {"dependentRequired": {"providerStatus": ["at"], "at": ["providerStatus"]}},
    "VerificationAnswer": {"dependentRequired": _BLOCKED, "allOf": [{"properties": _TEST}]},
    "CheckAnswer": {
        "dependentRequired": _BLOCKED,
        "allOf": [{"properties": _TEST}],
        "oneOf": [
            {
                "title": "Verified",
                "properties": {
                    "verified": {"const": True},
                    "state": {"const": "approved"},
                    "nextAction": {"const": "done"},
                    **_never(*_ONLY_WHERE_OPEN),
                },
                "required": ["number", "checksLeft"],
            },
            {
                "title": "Approved before",
                "properties": {
                    "verified": {"const": False},
                    "state": {"const": "approved"},
                    "nextAction": {"const": "stop"},
                    **_never("number", "checksLeft", *_ONLY_WHERE_OPEN),
                },
            },
            {
                "title": "Not verified",
                "properties": {
                    "verified": {"const": False},
                    "state": {"not": {"const": "approved"}},
                    "nextAction": {"not": {"const": "done"}},
                    **_never("number"),
                },
                "required": ["checksLeft"],
            },
        ],
    },
}
"""How the fields of an answer agree, in JSON Schema. The document has it in words: clients that are
generated from `oneOf` cannot read the answer."""


def differences(app: Flask, answer: TestResponse, sent: Any = None) -> list[str]:
    """Return what differs from the document in an answer, and in the body that it accepted."""
    operation = _operation(app, answer)
    if operation is None:
        return _unknown_path(answer)
    response = operation["responses"].get(str(answer.status_code))
    if response is None:
        return [f"{answer.status_code} is not documented"]
    found = [*_body(answer, resolved(response)), *_headers(answer, resolved(response))]
    if answer.status_code < 300 and sent is not None:
        found += _accepted(operation, sent)
    return found


def resolved(node: Any) -> Any:
    """Return the object that a reference refers to."""
    while "$ref" in node:
        found: Any = document()
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def documented_path(rule: str) -> str:
    """Return `/verify/{verificationId}` for `/verify/<id:verification_id>`, and the same path for
    one with a slash at its end."""

    def braces(match: re.Match[str]) -> str:
        head, *tail = match[1].split("_")
        return "{" + head + "".join(word.capitalize() for word in tail) + "}"

    return re.sub(r"<(?:\w+:)?(\w+)>", braces, rule).rstrip("/")


def validator(schema: Any) -> jsonschema_rs.Draft202012Validator:
    """Return the validator of a schema of the document, closed to fields and words that are not in
    it."""
    return _validator(json.dumps(schema))


@functools.cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        json.loads(schema) | {"components": {"schemas": _closed()}},
        validate_formats=True,
        formats={"printable": str.isprintable, "ip": _is_address},
    )


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


@functools.cache
def _closed() -> dict[str, Any]:
    schemas: dict[str, Any] = copy.deepcopy(document()["components"]["schemas"])
    for name, schema in schemas.items():
        if name.endswith("Answer"):
            schema["additionalProperties"] = False
            schema.update(AGREEMENTS.get(name, {}))
            for field in schema["properties"].values():
                if "x-extensible-enum" in field:
                    field["enum"] = field["x-extensible-enum"]
    return schemas


def _operation(app: Flask, answer: TestResponse) -> dict[str, Any] | None:
    method = "GET" if answer.request.method == "HEAD" else answer.request.method
    try:
        rule, _ = app.url_map.bind("").match(answer.request.path, method, return_rule=True)
    except HTTPException:
        return None
    found: dict[str, Any] | None = (
        document()["paths"].get(documented_path(rule.rule), {}).get(method.lower())
    )
    return found


def _unknown_path(answer: TestResponse) -> list[str]:
    """An unknown path, another method, or a route that a test added: the answer is one of our
    errors."""
    http = answer.status_code if answer.status_code in (404, 405) else 400
    response = document()["components"]["responses"][f"Error{http}"]
    return [*_body(answer, response), *_headers(answer, response)]


def _body(answer: TestResponse, response: dict[str, Any]) -> Iterator[str]:
    content = response.get("content", {})
    if answer.request.method == "HEAD" or not content:
        if answer.data:
            yield "no body is documented"
        return
    media = content.get(answer.mimetype)
    if media is None:
        yield f"{answer.mimetype} is not documented"
    elif answer.mimetype == "application/json":
        body = json.loads(answer.data)
        for error in validator(media["schema"]).iter_errors(body):
            yield f"{error.instance_path}: {error.message}"
        if media["schema"] == ERROR:
            yield from _error(body, answer.status_code)


def _error(body: dict[str, Any], http: int) -> Iterator[str]:
    """Compare an error with its row in the table."""
    kind = _kind(body, http)
    if kind is None:
        yield f"{http} {body['status']} is not in the table of errors"
        return
    always = {"status", "reason", "errorReason", *kind.always}
    if missing := always - body.keys():
        yield f"required: {sorted(missing)}"
    if added := body.keys() - always - set(kind.sometimes):
        yield f"of another error: {sorted(added)}"
    if body["reason"] not in kind.reasons:
        yield f"reason: {body['reason']}"
    if kind.error_code and body.get("errorCode", kind.error_code) != kind.error_code:
        yield f"errorCode: {body['errorCode']}"
    if 0 < len(body.keys() & set(RESERVED_FIELDS)) < len(RESERVED_FIELDS):
        yield "either all or none of the fields of a verification"


def _kind(body: dict[str, Any], http: int) -> ErrorKind | None:
    known = {kind.http for kind in ERRORS}
    # A 4xx by Werkzeug that has no row of its own has the words of a malformed request.
    row = http if http in known else 400
    found = (kind for kind in ERRORS if (kind.http, kind.status) == (row, body["status"]))
    return next(found, None)


def _headers(answer: TestResponse, response: dict[str, Any]) -> Iterator[str]:
    documented = {name: resolved(header) for name, header in response["headers"].items()}
    for name, header in documented.items():
        if name not in answer.headers:
            if header["required"]:
                yield f"{name} is missing"
            continue
        text = answer.headers[name]
        value = int(text) if header["schema"]["type"] == "integer" else text
        if not validator(header["schema"]).is_valid(value):
            yield f"{name}: {text}"
    yield from (
        f"{name} is not documented"
        for name in {*answer.headers.keys()} - _UNDERSTOOD - {*documented}
    )


def _accepted(operation: dict[str, Any], sent: Any) -> Iterator[str]:
    """Compare an accepted body with the schema of the request."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    # The document names the text alone, and its description the integer.
    if isinstance(sent, dict) and isinstance(sent.get("code"), int):
        sent = sent | {"code": f"{sent['code']:04}"}
    for error in validator(schema).iter_errors(sent):
        yield f"accepted, {error.instance_path}: {error.message}"
