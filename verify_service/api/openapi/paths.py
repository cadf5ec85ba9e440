"""The operations: the request and the responses of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apispec import APISpec

from verify_service.api.openapi.errors import errors

Node = dict[str, Any]

TAGS = {
    "Login flows": "For the backend of a login flow. With an access key.",
    "Provider": "For the provider of the calls. With its `appKey` in the body.",
    "Operations": "For the platform and for people.",
}

_LOGIN_FLOW: Node = {
    "tags": ["Login flows"],
    "security": [{"accessKey": []}, {"accessKeyInQuery": []}],
}
_PROVIDER: Node = {"tags": ["Provider"], "security": []}
_OPERATIONS: Node = {"tags": ["Operations"], "security": [], "parameters": ["RequestId"]}
_REQUEST_ID = {"X-Request-ID": "RequestId"}
_JSON = "application/json"
_METRICS = """\
# HELP verify_checks_total Checks.
# TYPE verify_checks_total counter
verify_checks_total{verdict="right"} 1.0
"""


def add_paths(spec: APISpec) -> None:
    """Add every operation."""
    one = ["VerificationId", "RequestId"]
    callback = "/callbacks/flashcall"
    spec.path("/verify/start", operations={"post": _start()})
    spec.path("/verify/check", operations={"post": _check()})
    spec.path("/verify/{verificationId}", operations={"get": _status(one)})
    spec.path("/verify/{verificationId}/cancel", operations={"post": _cancel(one)})
    spec.path(callback, operations={"post": _callback("receiveCallback")})
    by_secret = _callback("receiveCallbackBySecret", "PathSecret")
    spec.path(f"{callback}/{{secret}}", operations={"post": by_secret})
    for path, operation in {**_platform(), **_people()}.items():
        spec.path(path, operations={"get": _OPERATIONS | operation})


def _start() -> Node:
    return _LOGIN_FLOW | {
        "operationId": "startVerification",
        "summary": "Call a phone",
        "description": "Reserves a verification and calls the phone once. A start does not end an "
        "earlier one: each accepts only its own code, and they share the number's limits. Set a "
        "timeout of at least 30 seconds: the provider may be slow.",
        "parameters": ["IdempotencyKey", "RequestId"],
        "requestBody": _body("StartRequest", "start", "startWithDevice"),
        "responses": {
            "201": _ok(
                "Reserved, and the call was requested. `call.state` says how it went.",
                "VerificationAnswer",
                "placed",
                headers={"Location": "Location"},
            )
            | {"links": _links()},
            **errors("400 401 403 408 409 413 415 422 429 500 502 503"),
        },
    }


def _check() -> Node:
    return _LOGIN_FLOW | {
        "operationId": "checkCode",
        "summary": "Compare what the person typed",
        "description": "200 whether the code was right or wrong. **Only `verified: true` logs "
        "anyone in.** It is returned once for each verification; a repeat with the same "
        "`Idempotency-Key` returns it again.",
        "parameters": ["IdempotencyKey", "RequestId"],
        "requestBody": _body("CheckRequest", "check"),
        "responses": {
            "200": _ok("The result of the check.", "CheckAnswer", "verified", "wrong"),
            **errors("400 401 404 408 413 415 422 500 503"),
        },
    }


def _status(parameters: list[str]) -> Node:
    return _LOGIN_FLOW | {
        "operationId": "readVerification",
        "summary": "Read a verification",
        "description": "Readable until an hour after its end. Reading it counts toward no limit.",
        "parameters": parameters,
        "responses": {
            "200": _ok("As it stands now.", "VerificationAnswer", "phoneOff"),
            **errors("400 401 404 500 503"),
        },
    }


def _cancel(parameters: list[str]) -> Node:
    return _LOGIN_FLOW | {
        "operationId": "cancelVerification",
        "summary": "Cancel a verification",
        "description": "Ends a pending verification: its code is no longer accepted. A "
        "verification that has ended stays as it is, and is returned. The request needs no "
        "body. The start still counts.",
        "parameters": parameters,
        "responses": {
            "200": _ok("As it stands now.", "VerificationAnswer", "canceled"),
            **errors("400 401 404 408 413 500 503"),
        },
    }


def _callback(operation_id: str, *parameters: str) -> Node:
    body = _body("CallbackRequest", "callback")
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        body["content"][kind] = {"schema": "CallbackRequest"}
    return _PROVIDER | {
        "operationId": operation_id,
        "summary": "Report how a call went" + (", at the secret path" if parameters else ""),
        "description": "For the provider. It marks a call delivered or undelivered; it verifies no "
        "number. The body is JSON if it begins with `{` or `[`, else a form, whatever its "
        "`Content-Type` is. If the operator set a path secret, only the path with the secret "
        "exists.",
        "parameters": [*parameters, "RequestId"],
        "requestBody": body,
        "responses": {
            "200": _ok("Received.", "CallbackAnswer"),
            **errors("400 401 404 408 413 415 500 503"),
        },
    }


def _links() -> Node:
    found = {"verificationId": "$response.body#/verificationId"}
    return {
        "check": {
            "operationId": "checkCode",
            # No `requestBody`: OpenAPI allows a template in it, and generators refuse one.
            "description": "With this `verificationId`, and the code that the person read off the "
            "incoming call.",
        },
        "status": {
            "operationId": "readVerification",
            "parameters": found,
            "description": "How the call went.",
        },
        "cancel": {
            "operationId": "cancelVerification",
            "parameters": found,
            "description": "For a person who gives up.",
        },
    }


def _platform() -> Mapping[str, Node]:
    return {
        "/healthz": {
            "operationId": "isAlive",
            "summary": "Is the process alive?",
            "responses": {"200": _ok("It is.", "HealthAnswer"), **errors("400 500")},
        },
        "/readyz": {
            "operationId": "isReady",
            "summary": "Can starts and checks be served?",
            "responses": {"200": _ok("They can.", "ReadyAnswer"), **errors("400 500 503")},
        },
        "/metrics": {
            "operationId": "readMetrics",
            "summary": "Counters, for Prometheus",
            "description": "With the operator's `METRICS_TOKEN`. If none is set: open in "
            "development, and 404 in production.",
            "security": [{"metricsToken": []}, {}],
            "responses": {
                "200": _content(
                    "The counters of all processes.",
                    {"text/plain": {"schema": {"type": "string"}, "example": _METRICS}},
                ),
                **errors("400 401 404 500"),
            },
        },
    }


def _people() -> Mapping[str, Node]:
    guarded = ("Content-Security-Policy", "Referrer-Policy")
    page = _media("string", "text/html")
    files = _media("string", "text/css", "text/javascript")
    return {
        "/openapi.json": _cached("readOpenApi", "This document", _media("object", _JSON)),
        "/docs": _cached("readDocs", "The guide, for people", page, *guarded),
        "/docs/reference": _cached("readReference", "This document, drawn", page, *guarded),
        "/docs/{file}": _cached(
            "readDocsFile", "Styles and scripts of both pages", files, file="DocsFile"
        ),
    }


def _cached(name: str, summary: str, content: Node, *headers: str, file: str = "") -> Node:
    all_headers = {each: each.replace("-", "") for each in ("ETag", "Cache-Control", *headers)}
    response = _content("The page.", content, all_headers)
    unchanged = {"description": "Unchanged.", "headers": response["headers"]}
    codes = "400 404 500" if file else "400 500"
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [*([file] if file else []), "IfNoneMatch", "RequestId"],
        "responses": {"200": response, "304": unchanged, **errors(codes)},
    }


def _media(kind: str, *types: str) -> Node:
    return {each: {"schema": {"type": kind}} for each in types}


def _body(schema: str, *examples: str) -> Node:
    """Return a Request Body Object: JSON."""
    return {"required": True, "content": {_JSON: _json(schema, *examples)}}


def _ok(
    description: str, schema: str, *examples: str, headers: Mapping[str, str] | None = None
) -> Node:
    """Return a Response Object with JSON in it."""
    return _content(description, {_JSON: _json(schema, *examples)}, headers)


def _json(schema: str, *examples: str) -> Node:
    shown = {"examples": {name: name for name in examples}} if examples else {}
    return {"schema": schema, **shown}


def _content(description: str, content: Node, headers: Mapping[str, str] | None = None) -> Node:
    """Return a Response Object of any kind."""
    return {
        "description": description,
        "headers": {**_REQUEST_ID, **(headers or {})},
        "content": content,
    }
