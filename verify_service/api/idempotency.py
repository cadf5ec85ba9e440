"""Reads the Idempotency-Key of a request that may come again."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import request
from marshmallow import ValidationError

from verify_service.idempotency import Repeatable

NAME = "Idempotency-Key"
LONGEST = 128
_ACCEPTABLE = re.compile(rf"[\x20-\x7e]{{1,{LONGEST}}}\Z")


def repeatable(body: dict[str, Any]) -> Repeatable | None:
    """Return key and body of the request, or None where it has no key.

    The body counts as its schema read it, so that spaces and the order of fields are no
    difference.

    Raises:
        ValidationError: The key is empty, too long, or has other than printable ASCII in it.
    """
    key = request.headers.get(NAME)
    if key is None:
        return None
    if not _ACCEPTABLE.match(key):
        raise ValidationError({NAME: [f"Must have 1 to {LONGEST} characters of printable ASCII."]})
    return Repeatable(key, json.dumps(body, sort_keys=True, default=str))
