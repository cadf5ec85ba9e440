"""Verification ids: opaque outside, and yet they say under which keys of Redis to look.

An id is ``base64url(r ‖ (tag ⊕ HMAC(secret, r)))``: 16 random bytes, then the number's tag under
a pad that only we can compute. Two ids of one number have nothing in common for anybody else.
"""

from __future__ import annotations

import hashlib
import hmac
import operator
import re
import secrets
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from verify_service.domain.errors import VerificationNotFound

RANDOM_BYTES = 16
TAG_BYTES = 14
"""16 + 14 = 30 bytes are 40 characters of base64 exactly: each id has one spelling only."""
DEVICE_BYTES = 6
REQUEST_BYTES = 8
OWN_CHARACTERS = 11
_SHAPE = re.compile(r"[A-Za-z0-9_-]{40}\Z")
REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")
"""What a caller may send as X-Request-ID. It is on every log line."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """Where a verification lives in Redis.

    Attributes:
        tag: The number's pseudonym.
        own: The verification's own name among those of its number: 66 random bits.
    """

    tag: str
    own: str


class VerificationIds:
    """Makes ids and reads them.

    Args:
        secret: Key of the tags. Changing it makes every number a stranger to its limits.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def tag(self, number: str) -> str:
        """Return the pseudonym of an E.164 number: 19 characters of base64url."""
        return base64url(self._tag(number))

    def device(self, number: str, app: str, device_id: str) -> str:
        """Return a device's name with this number and app: 8 characters of base64url.

        They tell the few devices of a number apart. Those of two numbers have nothing in common.
        """
        message = "\0".join(("device", number, app, device_id)).encode()
        digest = hmac.digest(self._secret, message, hashlib.sha256)
        return base64url(digest[:DEVICE_BYTES])

    def client(self, network: str) -> str:
        """Return the pseudonym of an address: 19 characters of base64url."""
        message = b"client:" + network.encode()
        return base64url(hmac.digest(self._secret, message, hashlib.sha256)[:TAG_BYTES])

    def mint(self, number: str) -> str:
        """Return a fresh id for a verification of ``number``."""
        random = secrets.token_bytes(RANDOM_BYTES)
        return base64url(random + _xor(self._tag(number), self._pad(random)))

    def locate(self, verification_id: str) -> VerificationKey:
        """Return where to look. Whether there is something, Redis knows.

        Raises:
            VerificationNotFound: The text cannot be an id of ours.
        """
        if not _SHAPE.match(verification_id):
            raise VerificationNotFound
        raw = urlsafe_b64decode(verification_id)
        random, masked = raw[:RANDOM_BYTES], raw[RANDOM_BYTES:]
        return VerificationKey(
            base64url(_xor(masked, self._pad(random))), verification_id[:OWN_CHARACTERS]
        )

    def _tag(self, number: str) -> bytes:
        return hmac.digest(self._secret, b"tag:" + number.encode(), hashlib.sha256)[:TAG_BYTES]

    def _pad(self, random: bytes) -> bytes:
        return hmac.digest(self._secret, b"pad:" + random, hashlib.sha256)[:TAG_BYTES]


def request_digest(request_id: str) -> str:
    """Return 11 characters for a requestId of any length and spelling.

    They keep Redis' keys small, and they can be logged: nobody promises that no number and no
    code stands in the provider's own text.
    """
    return base64url(hashlib.sha256(request_id.encode()).digest()[:REQUEST_BYTES])


def request_id(given: str | None) -> str:
    """Return the caller's X-Request-ID if it is valid, else a new one."""
    return given if given and REQUEST_ID.match(given) else uuid.uuid4().hex


def base64url(raw: bytes) -> str:
    """Return base64url without padding (RFC 4648, section 5)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(map(operator.xor, left, right))
