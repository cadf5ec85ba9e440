"""Codes: how one is drawn, and the keyed digest that is stored in its place."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from verify_service.domain.keyed_hash import KeyedHash

FIRST, LAST = 1000, 9999
"""The provider takes the code as a JSON integer, which has no leading zero: 9,000 codes."""
DIGITS = 4
DIGEST_BYTES = 16


def draw() -> str:
    """Draw a code from 1000–9999, uniformly, from the system's random source."""
    return str(FIRST + secrets.randbelow(LAST - FIRST + 1))


class CodeDigester:
    """HMAC-SHA256 of a code, shortened to 128 bits and bound to one verification.

    A code has 13 bits, so a plain hash would reveal it. The key is not in Redis. The message
    contains the verification's id, so equal codes have different digests.

    Args:
        keys: Live secrets. The first one signs; all of them verify, so that one can be rotated.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("a code digest needs at least one key")
        self._hashes = [KeyedHash(key) for key in keys]

    def sign(self, verification_id: str, code: str) -> str:
        """Return the digest to store: 22 characters of base64url."""
        return _digest(self._hashes[0], verification_id, code)

    def candidates(self, verification_id: str, code: str) -> list[str]:
        """Return the digests of ``code``, one per live key. One is stored if the code is right."""
        return [_digest(keyed, verification_id, code) for keyed in self._hashes]


def _digest(keyed: KeyedHash, verification_id: str, code: str) -> str:
    return keyed.text(f"code:{verification_id}:{code}".encode(), DIGEST_BYTES)
