"""The header ``Idempotency-Key``: what a key may be, and the request that it makes repeatable."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import request
from marshmallow import ValidationError

from verify_service.domain.idempotency import KeyedRequest

HEADER = "Idempotency-Key"
MAX_KEY_CHARACTERS = 128
MALFORMED = f"Must have 1 to {MAX_KEY_CHARACTERS} characters of printable ASCII."
_KEY = re.compile(rf"[\x20-\x7e]{{1,{MAX_KEY_CHARACTERS}}}\Z")


def keyed_request(body: dict[str, Any]) -> KeyedRequest | None:
    """Return the key and the body of the request, or None if it has no key.

    Two bodies that load as the same fields are the same body: whitespace and the order of the
    fields make no difference.

    Args:
        body: As its schema loaded it.

    Raises:
        ValidationError: The key is empty, is too long, or has other characters than printable
            ASCII.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _KEY.match(key):
        raise ValidationError({HEADER: [MALFORMED]})
    return KeyedRequest(key, json.dumps(body, sort_keys=True, default=str))
