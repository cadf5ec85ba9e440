"""Reads the request's body once and strictly, and dumps the response's body."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

MAX_BODY_BYTES = 16 * 1024
"""The longest valid request has fewer than a thousand."""
MAX_BRACKETS = 500
"""A valid request has one. The depth at which Python's JSON parser fails depends on the version
of Python; this limit does not."""
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_PLAIN = ("", "identity", "utf-8", "utf8")
"""What ``Content-Encoding`` may be. Some programs write the charset into it."""


class WrongMediaType(Exception):
    """The Content-Type is not JSON."""


@dataclass(eq=False)
class EncodedBody(WrongMediaType):
    """The body is compressed.

    Attributes:
        encoding: What the header ``Content-Encoding`` names; shortened to its letters and digits.
    """

    encoding: str


class NotJson(Exception):
    """The body is empty or broken JSON."""


class TruncatedBody(NotJson):
    """The connection ended before the body did."""


class SlowBody(Exception):
    """The body did not arrive in the time that the server gives it."""


def load(schema: Schema) -> dict[str, Any]:
    """Return the JSON body as the schema loads it.

    Raises:
        WrongMediaType: The Content-Type is not JSON, or the body is compressed.
        NotJson: The body is empty, not whole, or broken JSON.
        SlowBody: The body did not arrive in time.
        RequestEntityTooLarge: The body is larger than MAX_BODY_BYTES.
        ValidationError: The body is JSON of the wrong shape.
    """
    if not request.is_json:
        raise WrongMediaType
    require_plain()
    loaded: dict[str, Any] = schema.load(parse_json(read_body()))
    return loaded


def dump(schema: Schema, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that the schema has, under their names in JSON."""
    dumped: dict[str, Any] = schema.dump(fields)
    return dumped


def require_plain() -> None:
    """Refuse a compressed body: a small one could be huge.

    Raises:
        EncodedBody: Its Content-Encoding names a compression.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _PLAIN:
        raise EncodedBody(re.sub(r"[^a-z0-9-]", "", encoding)[:20])


def read_body() -> bytes:
    """Return the bytes of the body, all of them.

    Raises:
        TruncatedBody: Fewer bytes arrived than were announced.
        SlowBody: The server stopped waiting for the body.
        NotJson: The chunks are malformed. Each server raises its own errors for these.
        RequestEntityTooLarge: The body is larger than MAX_BODY_BYTES.
    """
    announced = request.content_length
    if announced is not None:
        raw = _received(announced)
        if len(raw) < announced:
            raise TruncatedBody
        return raw
    # A chunked body, or none. Only a server that says so ends its stream where the body ends.
    return _received(MAX_BODY_BYTES + 1) if "wsgi.input_terminated" in request.environ else b""


def _received(size: int) -> bytes:
    """Return up to ``size`` bytes, fewer if the body or the connection ends before."""
    if size <= MAX_BODY_BYTES + 1:
        try:
            raw: bytes = request.environ["wsgi.input"].read(size)
        except TimeoutError as error:
            raise SlowBody from error
        except OSError as error:
            raise TruncatedBody from error
        except Exception as error:
            raise NotJson from error
        if len(raw) <= MAX_BODY_BYTES:
            return raw
    raise RequestEntityTooLarge


def parse_json(raw: bytes) -> Any:
    """Parse JSON by RFC 8259: UTF-8, no NaN. Duplicate keys and lone surrogates are refused too.

    Raises:
        NotJson: It is not JSON.
        ValidationError: It has a duplicate key, NaN or Infinity.
    """
    try:
        data = decode_json(raw.decode("utf-8"))
        if _SURROGATE.search(raw):
            # Two escapes may encode one character. A lone one encodes none: UTF-8 cannot encode
            # it, so it could neither be digested nor returned.
            json.dumps(data, ensure_ascii=False).encode("utf-8")
    except ValueError as error:
        raise NotJson from error
    return data


def decode_json(
    text: str, parse_int: Callable[[str], Any] = int, *, control_characters: bool = False
) -> Any:
    r"""Return what a text in JSON encodes.

    Args:
        text: Its ``\u`` may encode lone surrogates.
        parse_int: Returns the value for the digits of an integer. Python's own refuses more than
            4300.
        control_characters: Whether raw ones, for example line breaks, may be in strings.

    Raises:
        NotJson: It is not JSON.
        ValidationError: It has a duplicate key, NaN or Infinity.
    """
    if text.count("[") + text.count("{") > MAX_BRACKETS:
        raise NotJson
    try:
        return _decoder(parse_int, not control_characters).decode(text)
    except ValueError as error:
        raise NotJson from error


@cache
def _decoder(parse_int: Callable[[str], Any], strict: bool) -> json.JSONDecoder:
    """Return the decoder of this kind. ``json.loads`` would make one for each body."""
    return json.JSONDecoder(
        object_pairs_hook=_unique_keys,
        parse_constant=_refuse_constant,
        parse_int=parse_int,
        strict=strict,
    )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValidationError("A key occurs twice. Send each key once.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValidationError(f"{name} is not a number in JSON.")
