"""HMAC-SHA256 under one key, which is set up once."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode


class KeyedHash:
    """Computes HMAC-SHA256. All threads of a process may share it.

    ``hmac.digest`` hashes the key at each call: half of its time for messages this short.
    """

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")

    def digest(self, message: bytes) -> bytes:
        """Return the 32 bytes of the digest."""
        keyed = self._keyed.copy()
        keyed.update(message)
        return keyed.digest()

    def text(self, message: bytes, length: int) -> str:
        """Return the first ``length`` bytes of the digest in base64url."""
        return base64url(self.digest(message)[:length])


def base64url(raw: bytes) -> str:
    """Return base64url without padding (RFC 4648, section 5)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
