"""Codes: how one is drawn, and the keyed digest that is all we keep of it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from verify_service.domain.ids import base64url

FIRST, LAST = 1000, 9999
"""The provider takes the code as a JSON integer, which has no leading zero: 9,000 codes."""
DIGITS = 4
DIGEST_BYTES = 16


def draw() -> str:
    """Draw a code from 1000–9999, uniformly, from the system's random source."""
    return str(FIRST + secrets.randbelow(LAST - FIRST + 1))


class CodeDigester:
    """HMAC-SHA256 of a code, shortened to 128 bits and bound to one verification.

    A code is 13 bits: a plain hash of it is no secret. The key lives outside Redis, and since
    the verification's id is part of the message, equal codes have unequal digests.

    Args:
        keys: Live secrets; the first one signs, all of them are accepted while one is replaced.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("a code digest needs at least one key")
        self._keys = tuple(keys)

    def sign(self, verification_id: str, code: str) -> str:
        """Return the digest to keep, 22 characters of base64url."""
        return _digest(self._keys[0], verification_id, code)

    def candidates(self, verification_id: str, code: str) -> list[str]:
        """Return what the kept digest may be if ``code`` is right: one per live key."""
        return [_digest(key, verification_id, code) for key in self._keys]


def _digest(key: bytes, verification_id: str, code: str) -> str:
    message = f"code:{verification_id}:{code}".encode()
    return base64url(hmac.digest(key, message, hashlib.sha256)[:DIGEST_BYTES])
