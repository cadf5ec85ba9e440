"""Idempotency-Key: a request that comes again is the same request, not another one.

A key belongs to one app and one operation. The first request claims it before it does anything;
what is kept is the claim's moment, a keyed digest of the body, the verificationId and, for a check
that was not compared, the verdict; never an answer. So a repeat finds what the first came to, and
is told how that stands now.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

from verify_service.errors import KeyReused, StoreUnavailable
from verify_service.models import Claim, Holder, Verdict
from verify_service.ports import ClaimStore

_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Repeatable:
    """What a request carries that may come again.

    Attributes:
        key: The Idempotency-Key.
        body: What the request says, written so that equal requests are equal texts.
    """

    key: str = field(repr=False)
    body: str = field(repr=False)


class Claims:
    """Claims keys for requests.

    Args:
        store: Where claims are kept.
        secret: Key of the digests. Changing it makes every Idempotency-Key a new one.
    """

    def __init__(self, store: ClaimStore, secret: bytes) -> None:
        self._store = store
        self._secret = secret

    def claim(
        self,
        operation: str,
        app: str,
        request: Repeatable,
        verification_id: str,
        came_to_something: Callable[[Claim], bool],
    ) -> Claim:
        """Return the request's own claim, or that of an earlier one with the same body.

        A claim that should have come to something and has not is taken over: its process died, or
        Redis was away.

        Raises:
            KeyReused: The key belongs to a request with another body.
            StoreUnavailable: Redis is gone.
        """
        name = self._digest(operation, app, request.key)
        body = self._digest(name, request.body)
        claim = self._store.claim(name, body, verification_id)
        if claim.holder is not Holder.MINE and claim.over and not came_to_something(claim):
            claim = self._store.claim(name, body, verification_id, instead_of=claim)
        if claim.holder is Holder.OTHER:
            raise KeyReused
        return claim

    def release(self, claim: Claim) -> None:
        """Let a key go whose request was refused: with the same key it may try again."""
        # Where Redis is gone, the claim ends by its age.
        with contextlib.suppress(StoreUnavailable):
            self._store.release(claim)

    def settle(self, claim: Claim, verdict: Verdict) -> None:
        """Keep a verdict that the verification itself does not."""
        self._store.settle(claim, verdict)

    def _digest(self, *parts: str) -> str:
        message = "\0".join(("claim", *parts)).encode()
        digest = hmac.digest(self._secret, message, hashlib.sha256)[:_DIGEST_BYTES]
        return urlsafe_b64encode(digest).rstrip(b"=").decode()
