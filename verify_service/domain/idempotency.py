"""Idempotency-Key: a request that comes again is the same request, not another one.

A start's key is bound by the start that it reserves, in the same decision. A check's key is the
name of its guess, within its verification. What is stored is a keyed digest of the key and of the
body, never an answer: a repeat finds what the first request led to, as it stands now.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from verify_service.domain.ids import base64url
from verify_service.domain.models import Binding

DIGEST_BYTES = 16
GUESS_BYTES = 8
"""64 bits tell the few guesses of one verification apart, and each of them is kept with it."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """What a request carries that may come again.

    Attributes:
        key: The Idempotency-Key.
        body: What the request says, written so that equal requests are equal texts.
    """

    key: str = field(repr=False)
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Nonce:
    """The name of one guess: under the same one it is compared once.

    Attributes:
        name: Random, or the digest of an Idempotency-Key.
        body: The digest of what the request says, where it has an Idempotency-Key.
    """

    name: str
    body: str | None = None


class IdempotencyKeys:
    """Makes digests of keys and bodies.

    Args:
        secret: Key of the digests. Changing it makes every Idempotency-Key a new one.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def binding(self, app: str, request: KeyedRequest) -> Binding:
        """Return what a start binds: the key is the app's, whichever number it is used for."""
        name = self._digest(DIGEST_BYTES, "start", app, request.key)
        return Binding(name, self._digest(DIGEST_BYTES, name, request.body))

    def nonce(self, app: str, verification_id: str, request: KeyedRequest | None) -> Nonce:
        """Return the name of a guess; without a key it is random."""
        if request is None:
            return Nonce(secrets.token_urlsafe(GUESS_BYTES))
        name = self._digest(GUESS_BYTES, "check", app, verification_id, request.key)
        return Nonce(name, self._digest(GUESS_BYTES, name, request.body))

    def _digest(self, length: int, *parts: str) -> str:
        message = "\0".join(("idempotency", *parts)).encode()
        return base64url(hmac.digest(self._secret, message, hashlib.sha256)[:length])
