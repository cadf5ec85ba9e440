"""Idempotency-Key: a repeated request has the effect and the result of the first one.

A start's key is bound to the verification that the start reserves, in the same decision. A check's
key names its guess, within its verification. Only keyed digests of the key and of the body are
stored, never an answer: a repeat reads the verification as it is then.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from verify_service.domain.keyed_hash import KeyedHash
from verify_service.domain.models import Binding

DIGEST_BYTES = 16
GUESS_BYTES = 8
"""64 bits: enough to distinguish the few guesses of one verification, which all are stored."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that has an Idempotency-Key.

    Attributes:
        key: The Idempotency-Key.
        body: The body in a canonical form, so that equal requests are equal texts.
    """

    key: str = field(repr=False)
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Nonce:
    """The name of one guess. A guess is compared once under one name.

    Attributes:
        name: Random, or the digest of an Idempotency-Key.
        body: The digest of the request's body, if the name is that of an Idempotency-Key.
    """

    name: str
    body: str | None = None


class IdempotencyKeys:
    """Computes the digests of keys and bodies.

    Args:
        secret: Key of the digests. With a new secret no Idempotency-Key is recognized.
    """

    def __init__(self, secret: bytes) -> None:
        self._hash = KeyedHash(secret)

    def binding(self, app: str, request: KeyedRequest) -> Binding:
        """Return the digests of a start's key. It is scoped to the app, not to a number."""
        name = self._digest(DIGEST_BYTES, "start", app, request.key)
        return Binding(name, self._digest(DIGEST_BYTES, name, request.body))

    def nonce(self, app: str, verification_id: str, request: KeyedRequest | None) -> Nonce:
        """Return the name of a guess. Without an Idempotency-Key it is random."""
        if request is None:
            return Nonce(secrets.token_urlsafe(GUESS_BYTES))
        name = self._digest(GUESS_BYTES, "check", app, verification_id, request.key)
        return Nonce(name, self._digest(GUESS_BYTES, name, request.body))

    def _digest(self, length: int, *parts: str) -> str:
        message = "\0".join(("idempotency", *parts)).encode()
        return self._hash.text(message, length)
