"""The ClaimStore over Redis: Idempotency-Keys, each in a slot of its own."""

from __future__ import annotations

import secrets

import redis

from verify_service.models import Claim, Holder, Verdict
from verify_service.policy import Policy
from verify_service.store import keys
from verify_service.store.scripts import Scripts, encode

NONCE_BYTES = 8
"""Enough to tell apart those who claim one key within the life of a claim."""


class RedisClaims:
    """Keeps who came first under a key.

    Every method is one round trip, and raises StoreUnavailable where Redis does not answer.
    """

    def __init__(self, client: redis.Redis, policy: Policy) -> None:
        self._scripts = Scripts(client, encode(policy))

    def claim(
        self, name: str, body: str, verification_id: str, instead_of: Claim | None = None
    ) -> Claim:
        """Claim a key, or return whose it is.

        Args:
            name: The key's digest.
            body: The digest of what the request says.
            verification_id: Which verification it is about.
            instead_of: A claim to take over, if it is still the one that holds.
        """
        earlier = str(instead_of.at) if instead_of else ""
        reply = self._scripts.run(
            *("claim", [keys.claim(name)], keys.slot(name), body, verification_id, earlier),
            secrets.token_urlsafe(NONCE_BYTES),
        )
        holder, body, verification_id, at, over, verdict = reply
        known = Verdict(verdict) if verdict else None
        return Claim(name, Holder(holder), body, verification_id, int(at), bool(over), known)

    def release(self, claim: Claim) -> None:
        """Let a key go, unless somebody has taken it over."""
        name = claim.name
        self._scripts.run("release", [keys.claim(name)], keys.slot(name), claim.at)

    def settle(self, claim: Claim, verdict: Verdict) -> None:
        """Keep what the check under this key came to."""
        name = claim.name
        self._scripts.run("settle", [keys.claim(name)], keys.slot(name), claim.at, verdict)
