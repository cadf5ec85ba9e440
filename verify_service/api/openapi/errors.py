"""Writes the table of errors into the document: one response for each HTTP status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from apispec import APISpec

from verify_service.api.errors import ERRORS, ErrorKind

_EXAMPLES = {400: "wrongShape", 429: "limitReached", 502: "callFailed"}
"""The examples by HTTP status. The other bodies differ from them in their words."""


def add_errors(spec: APISpec) -> None:
    """Add the responses, and the words of ``status`` to the schema that they share."""
    status = spec.components.schemas["ErrorAnswer"]["properties"]["status"]
    status["description"] += f"\n\n{_list(ERRORS)}"
    status["x-extensible-enum"] = list(dict.fromkeys(kind.status for kind in ERRORS))
    for http, kinds in groupby(ERRORS, lambda kind: kind.http):
        spec.components.response(_name(http), _response(http, list(kinds)))


def errors(codes: str) -> Mapping[str, str]:
    """Return the Responses of an operation: the names of the components, by HTTP status.

    Args:
        codes: The HTTP statuses, separated by spaces.
    """
    return {code: _name(code) for code in codes.split()}


def _name(http: int | str) -> str:
    return f"Error{http}"


def _response(http: int, kinds: Sequence[ErrorKind]) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": "ErrorAnswer"}
    if http in _EXAMPLES:
        media["examples"] = {_EXAMPLES[http]: _EXAMPLES[http]}
    return {
        "description": "\n".join(f"- `{kind.status}`: {_about(kind)}" for kind in kinds),
        "headers": dict(_headers(kinds)),
        "content": {"application/json": media},
    }


def _list(kinds: Sequence[ErrorKind]) -> str:
    """Return each word of ``status`` once, with its HTTP statuses."""
    words: dict[str, list[str]] = {}
    for kind in kinds:
        words.setdefault(kind.status, []).append(str(kind.http))
    return "\n".join(f"- `{word}`: {', '.join(codes)}" for word, codes in words.items())


def _about(kind: ErrorKind) -> str:
    about = f"{kind.when} `reason`: {_code(kind.reasons)}."
    if kind.always:
        about += f" Always with {_code(kind.always)}."
    if kind.sometimes:
        about += f" Sometimes with {_code(kind.sometimes)}."
    return about


def _code(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _headers(kinds: Sequence[ErrorKind]) -> Iterator[tuple[str, str]]:
    yield "X-Request-ID", "RequestId"
    if any("retryAfter" in kind.always for kind in kinds):
        yield "Retry-After", "RetryAfter"
    if any("retryAfter" in kind.sometimes for kind in kinds):
        yield "Retry-After", "RetryAfterThrottle"
    if any(kind.http == 405 for kind in kinds):
        yield "Allow", "Allow"
