"""Reads a request's body, once and strictly, before any schema sees it, and its Idempotency-Key."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from verify_service.api.problems import NotJson, WrongMediaType
from verify_service.domain.idempotency import KeyedRequest

LARGEST = 16 * 1024
"""Bytes. The longest honest request has under a thousand."""
MOST_BRACKETS = 500
"""An honest request has one. How deep the parser can go before it fails depends on Python's
version; this does not."""
IDEMPOTENCY_KEY = "Idempotency-Key"
LONGEST_KEY = 128
_KEY = re.compile(rf"[\x20-\x7e]{{1,{LONGEST_KEY}}}\Z")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def load(schema: Schema) -> dict[str, Any]:
    """Return the JSON body as the schema reads it.

    Raises:
        WrongMediaType: The Content-Type is not JSON.
        NotJson: The body is empty or broken.
        ValidationError: It is JSON of the wrong shape.
    """
    if not request.is_json:
        raise WrongMediaType
    loaded: dict[str, Any] = schema.load(read_json(received()))
    return loaded


def received() -> bytes:
    """Return the body's bytes.

    Raises:
        NotJson: The client broke off, or its chunks are none. Each server has errors of its own
            for that.
        RequestEntityTooLarge: It is over LARGEST.
    """
    try:
        raw = request.get_data()
    except HTTPException:
        raise
    except Exception as error:
        raise NotJson from error
    if len(raw) > LARGEST:
        raise RequestEntityTooLarge
    return raw


def dump(schema: Schema, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of ``answer`` that the schema knows, under their names outside."""
    dumped: dict[str, Any] = schema.dump(answer)
    return dumped


def read_json(raw: bytes) -> Any:
    """Parse JSON as the standard has it: UTF-8, no NaN, no key twice, no half of a character."""
    if raw.count(b"[") + raw.count(b"{") > MOST_BRACKETS:
        raise NotJson
    try:
        data = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_each_key_once, parse_constant=_no_constant
        )
        if _SURROGATE.search(raw):
            # Two escapes may write one character; one of them alone writes none, and a text
            # with it in could neither be digested nor answered.
            json.dumps(data, ensure_ascii=False).encode("utf-8")
    except ValueError as error:
        raise NotJson from error
    return data


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValidationError("A key stands twice; which of them would count?")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValidationError(f"{name} is no JSON number.")


def keyed_request(body: dict[str, Any]) -> KeyedRequest | None:
    """Return key and body of the request, or None where it has no key.

    The body counts as its schema read it, so that spaces and the order of fields are no
    difference.

    Raises:
        ValidationError: The key is empty, too long, or has other than printable ASCII in it.
    """
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return None
    if not _KEY.match(key):
        raise ValidationError(
            {IDEMPOTENCY_KEY: [f"Must have 1 to {LONGEST_KEY} characters of printable ASCII."]}
        )
    return KeyedRequest(key, json.dumps(body, sort_keys=True, default=str))
