"""Parses a callback's body by its content: its Content-Type may be wrong or missing."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import parse_qsl

from marshmallow import ValidationError
from werkzeug.formparser import MultiPartParser

from verify_service.api.body import NotJson, parse_json

_BLANKS = " \t\r\n"
"""Whitespace of JSON. Around a form it is no data: there it would be percent-encoded."""
_JSON = ("{", "[")
_MULTIPART = "--"
"""A multipart form begins with its boundary."""

Pairs = Sequence[tuple[str, str]]


def parse_callback(raw: bytes, names: Collection[str]) -> Any:
    """Return what the JSON encodes, or the fields of a form, whose values are text.

    A byte order mark is ignored.

    Args:
        names: The fields that may occur only once in a form.

    Raises:
        NotJson: The body is empty, broken JSON, or a broken multipart form.
        ValidationError: A field occurs twice, or JSON has NaN or Infinity.
    """
    encoding = json.detect_encoding(raw)
    text = raw.decode(encoding, "replace").strip(_BLANKS)
    if not text:
        raise NotJson
    if text.startswith(_JSON):
        return _decoded_json(raw, encoding)
    pairs = _multipart(text) if text.startswith(_MULTIPART) else _urlencoded(text)
    if (inner := _inner_json(pairs)) is not None:
        return parse_json(inner.encode())
    return _fields(pairs, names)


def _decoded_json(raw: bytes, encoding: str) -> Any:
    try:
        text = raw.decode(encoding)
    except ValueError as error:
        raise NotJson from error
    return parse_json(text.encode())


def _urlencoded(text: str) -> Pairs:
    return parse_qsl(text, keep_blank_values=True)


def _multipart(text: str) -> Pairs:
    """Return the fields of a multipart form; its first line is its boundary."""
    boundary = text.partition("\n")[0].strip(_BLANKS).removeprefix(_MULTIPART)
    raw = f"{text}\r\n".encode()
    parser = MultiPartParser(stream_factory=lambda *_, **__: io.BytesIO())  # files are ignored
    try:
        fields, _ = parser.parse(io.BytesIO(raw), boundary.encode(), len(raw))
    except ValueError as error:
        raise NotJson from error
    return [pair for pair in fields.items(multi=True) if pair[0]]  # a part may have no name


def _inner_json(pairs: Pairs) -> str | None:
    """Return the name or the value of a form's only field if it is a JSON object.

    HTTP clients that expect a form make this of a text with JSON.
    """
    texts = pairs[0] if len(pairs) == 1 else ()
    return next((text for text in texts if text.strip(_BLANKS).startswith("{")), None)


def _fields(pairs: Pairs, names: Collection[str]) -> dict[str, str]:
    counts = Counter(name for name, _ in pairs)
    repeated = {name: ["Occurs twice. Send it once."] for name in names if counts[name] > 1}
    if repeated:
        raise ValidationError(repeated)
    return dict(pairs)
