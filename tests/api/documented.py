"""Compares every answer of every test in this folder with the OpenAPI document.

It is stricter than the document, which allows answers to have more fields one day: here an
undocumented field or header is a failure.
"""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from verify_service.api.openapi import document

_UNDERSTOOD = {"Content-Type", "Content-Length", "Date"}
"""Headers that the HTTP standard explains."""


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
    """Return the validator of a schema of the document, closed to fields that are not in it."""
    return _validator(json.dumps(schema))


@functools.cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        json.loads(schema) | {"components": _closed()},
        validate_formats=True,
        formats={"printable": str.isprintable},
    )


@functools.cache
def _closed() -> dict[str, Any]:
    components: dict[str, Any] = copy.deepcopy(document()["components"])
    for name, schema in components["schemas"].items():
        if not name.endswith(("Request", "Form")):
            schema["additionalProperties"] = False
    return components


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
    responses = document()["components"]["responses"]
    named = {404: "NoSuchPath", 405: "MethodNotAllowed"}.get(answer.status_code, "BadRequest")
    response = responses[named]
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
        for error in validator(media["schema"]).iter_errors(json.loads(answer.data)):
            yield f"{error.instance_path}: {error.message}"


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
    for error in validator(schema).iter_errors(sent):
        yield f"accepted, {error.instance_path}: {error.message}"
