"""Headers, parameters and security schemes of the document."""

from __future__ import annotations

from typing import Any

from apispec import APISpec

from verify_service.api import auth, idempotency_key, request_log
from verify_service.domain import ids

REQUEST_ID_PATTERN = f"^{ids.REQUEST_ID.pattern.removesuffix(chr(92) + 'Z')}$"


def add_headers(spec: APISpec) -> None:
    """Add the headers, the parameters and the security schemes."""
    for name, header in _HEADERS.items():
        spec.components.header(name, header)
    for name, parameter in _PARAMETERS.items():
        spec.components.parameter(name, parameter["in"], parameter)
    for name, scheme in _SECURITY.items():
        spec.components.security_scheme(name, scheme)


def _seconds(description: str, *, required: bool) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1}
    return {"description": description, "required": required, "schema": schema}


_HEADERS: dict[str, dict[str, Any]] = {
    "RequestId": {
        "description": "The caller's own `X-Request-ID` if it is valid, else a new one. Every "
        "log line about the request has it.",
        "required": True,
        "schema": {"type": "string", "pattern": REQUEST_ID_PATTERN},
    },
    "Location": {
        "description": "The path of the verification.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "RetryAfter": _seconds("Seconds to wait before the next try.", required=True),
    "RetryAfterThrottle": _seconds(
        "Seconds to wait before the next try. Present if the provider asks for it.",
        required=False,
    ),
    "Allow": {
        "description": "The methods of this path.",
        "required": True,
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "Changes with the content.",
        "required": True,
        "schema": {"type": "string"},
    },
    "CacheControl": {
        "description": "The page may be stored, and is revalidated before each use.",
        "required": True,
        "schema": {"type": "string", "const": "no-cache"},
    },
    "ContentSecurityPolicy": {
        "description": "The page may load and run only what this service sends.",
        "required": True,
        "schema": {"type": "string"},
    },
    "ReferrerPolicy": {
        "description": "Links do not send the address of this page.",
        "required": True,
        "schema": {"type": "string", "const": "no-referrer"},
    },
}

_PARAMETERS: dict[str, dict[str, Any]] = {
    "RequestId": {
        "in": "header",
        "name": request_log.HEADER,
        "required": False,
        "description": "An id of yours for this request: 1 to 128 of `A-Z a-z 0-9 _ . : -`. The "
        "response and every log line repeat it. An invalid id is replaced by a new one.",
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "in": "header",
        "name": idempotency_key.HEADER,
        "required": False,
        "description": "Makes the request safe to repeat: 1 to "
        f"{idempotency_key.MAX_KEY_CHARACTERS} printable ASCII characters, new for each intent "
        "(for example, a UUID), the same for each try of it. It belongs to the app and the "
        "operation, and a check's to its verification. A repeat places no call and costs no "
        "guess; its response shows the present state of the first one.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": idempotency_key.MAX_KEY_CHARACTERS,
            # HTTP takes spaces off both ends.
            "pattern": "^[!-~]([ -~]*[!-~])?$",
        },
    },
    "VerificationId": {
        "in": "path",
        "name": "verificationId",
        "required": True,
        "description": "As start returned it.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
    "PathSecret": {
        "in": "path",
        "name": "secret",
        "required": True,
        "description": "The operator's `CALLBACK_PATH_SECRET`. As secret as a key.",
        "schema": {"type": "string", "minLength": 1},
    },
    "DocsFile": {
        "in": "path",
        "name": "file",
        "required": True,
        "description": "The name of a file, as the pages refer to it.",
        "schema": {
            "type": "string",
            "pattern": r"^((docs|reference)\.(css|js)|swagger-ui(\.css|-bundle\.js))$",
        },
    },
    "IfNoneMatch": {
        "in": "header",
        "name": "If-None-Match",
        "required": False,
        "description": "The `ETag` of a stored response.",
        "schema": {"type": "string"},
    },
}

_SECURITY: dict[str, dict[str, Any]] = {
    "accessKey": {
        "type": "apiKey",
        "in": "header",
        "name": auth.ACCESS_KEY,
        "description": "`AccessKey <key>`, with a key of your app. If both the header and the "
        "query argument are sent, the header wins.",
    },
    "accessKeyInQuery": {
        "type": "apiKey",
        "in": "query",
        "name": auth.ACCESS_KEY,
        "description": "The same as a query argument. Prefer the header: platforms write "
        "queries into their logs. An operator can switch it off (`ACCESS_KEY_IN_QUERY`).",
    },
    "metricsToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The operator's `METRICS_TOKEN`.",
    },
}
