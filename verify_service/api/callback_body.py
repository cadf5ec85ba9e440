"""Parses a callback's body by its content: its Content-Type may be wrong or missing."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import parse_qsl

from marshmallow import ValidationError
from werkzeug.formparser import MultiPartParser

from verify_service.api.body import NotJson, decode_json

_BLANKS = " \t\r\n"
"""Whitespace of JSON. Around a form it is no data: there it would be percent-encoded."""
_JSON = ("{", "[")
_TEXT = '"'
"""JSON that is a text may contain the JSON itself: some programs encode it twice."""
_LONGEST_INTEGER = 256
"""Digits of an integer that is parsed: more than of any id."""
_MULTIPART = "--"
"""A multipart form begins with its boundary."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_BROKEN = "\ufffd"
"""Takes the place of a character that is broken: no text of ours contains it."""

Pairs = Sequence[tuple[str, str]]


def parse_callback(raw: bytes, names: Collection[str]) -> Any:
    """Return what the JSON encodes, or the fields of a form, whose values are text.

    A byte order mark is ignored, and so are blanks around a text. One broken character, or a raw
    control character, hides no field but its own.

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
        return _cleaned(_json(text))
    if (inner := _encoded_twice(text)) is not None:
        return _cleaned(_json(inner))
    pairs = _multipart(text) if text.startswith(_MULTIPART) else _urlencoded(text)
    if (inner := _inner_json(pairs)) is not None:
        return _cleaned(_json(inner))
    return _cleaned(_fields(pairs, names))


def _json(text: str) -> Any:
    return decode_json(text, _integer, control_characters=True)


def _integer(digits: str) -> int | float:
    """Return an integer; a longer one than any field's as a float, which is refused."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _encoded_twice(text: str) -> str | None:
    """Return the JSON object that a JSON text contains, if the body is one."""
    try:
        inner = json.loads(text, strict=False) if text.startswith(_TEXT) else None
    except ValueError:
        return None
    return inner if isinstance(inner, str) and inner.strip(_BLANKS).startswith("{") else None


def _cleaned(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {
        name: _SURROGATE.sub(_BROKEN, value).strip() if isinstance(value, str) else value
        for name, value in body.items()
    }


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
