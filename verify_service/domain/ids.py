"""Ids: of verifications, of devices and addresses, and of requests.

A verification's id is ``base64url(r ‖ (tag ⊕ HMAC(secret, r)))``: 16 random bytes, then the
number's tag, encrypted with a pad that only the secret can compute. So the service finds the Redis
keys of a verification from its id alone, and others cannot recognize two ids of one number.
"""

from __future__ import annotations

import hashlib
import operator
import random
import re
import secrets
from base64 import urlsafe_b64decode
from dataclasses import dataclass

from verify_service.domain.errors import VerificationNotFound
from verify_service.domain.keyed_hash import KeyedHash, base64url

RANDOM_BYTES = 16
TAG_BYTES = 14
"""16 + 14 = 30 bytes are exactly 40 characters of base64, so that each id has one spelling."""
DEVICE_BYTES = 6
REQUEST_BYTES = 8
SHORT_ID_CHARACTERS = 11
_VERIFICATION_ID = re.compile(r"[A-Za-z0-9_-]{40}\Z")
REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")
"""What a caller may send as X-Request-ID. It is on every log line."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """The parts of a verification's Redis key.

    Attributes:
        tag: The number's pseudonym.
        short_id: 66 random bits: distinguishes the verifications of one number.
    """

    tag: str
    short_id: str


_PSEUDONYM = re.compile(r"[A-Za-z0-9_-]{19}\Z")


def is_pseudonym(text: str) -> bool:
    """Return whether a text has the form of what stands for a client's network."""
    return _PSEUDONYM.match(text) is not None


class VerificationIds:
    """Creates ids, and finds the Redis key of one.

    Args:
        secret: Key of the tags. A new secret gives every number a new tag, without its limits.
    """

    def __init__(self, secret: bytes) -> None:
        self._hash = KeyedHash(secret)

    def tag(self, number: str) -> str:
        """Return the pseudonym of an E.164 number: 19 characters of base64url."""
        return base64url(self._tag(number))

    def device(self, number: str, app: str, device_id: str) -> str:
        """Return the pseudonym of a device with this number and app: 8 characters of base64url.

        That is enough to distinguish the few devices of one number. The same device has unrelated
        pseudonyms with two numbers.
        """
        message = "\0".join(("device", number, app, device_id)).encode()
        return self._hash.text(message, DEVICE_BYTES)

    def client(self, network: str) -> str:
        """Return the pseudonym of a client's network: 19 characters of base64url."""
        return self._hash.text(b"client:" + network.encode(), TAG_BYTES)

    def create(self, number: str) -> str:
        """Return a new id for a verification of ``number``."""
        r = secrets.token_bytes(RANDOM_BYTES)
        return base64url(r + _xor(self._tag(number), self._pad(r)))

    def locate(self, verification_id: str) -> VerificationKey:
        """Return the key under which Redis has the verification, if it exists.

        Raises:
            VerificationNotFound: The text is not an id of this service.
        """
        if not _VERIFICATION_ID.match(verification_id):
            raise VerificationNotFound
        raw = urlsafe_b64decode(verification_id)
        r, masked = raw[:RANDOM_BYTES], raw[RANDOM_BYTES:]
        tag = base64url(_xor(masked, self._pad(r)))
        return VerificationKey(tag, verification_id[:SHORT_ID_CHARACTERS])

    def _tag(self, number: str) -> bytes:
        return self._hash.digest(b"tag:" + number.encode())[:TAG_BYTES]

    def _pad(self, r: bytes) -> bytes:
        return self._hash.digest(b"pad:" + r)[:TAG_BYTES]


def request_digest(request_id: str) -> str:
    """Return 11 characters that stand for a provider's requestId.

    They are short for Redis, and safe in a log: the provider's own text may contain a number or a
    code.
    """
    return base64url(hashlib.sha256(request_id.encode()).digest()[:REQUEST_BYTES])


def request_id(given: str | None) -> str:
    """Return the caller's X-Request-ID if it is valid, else a new one, which is no secret."""
    return given if given and REQUEST_ID.match(given) else f"{random.getrandbits(128):032x}"


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(map(operator.xor, left, right))
