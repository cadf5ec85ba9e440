"""Deletes all that is kept of a number, on whichever server it is."""

from __future__ import annotations

from collections.abc import Iterator

import redis

from verify_service.guards.places import prefix_of
from verify_service.ids import IdMint
from verify_service.store import keys
from verify_service.store.cluster import Cluster

STEP = 1000
"""Keys that a server looks at before it serves others again."""


def erase(client: redis.Redis, ids: IdMint, number: str) -> int:
    """Delete everything that is kept of a number; return how many things there were.

    That is what its tag names, the Idempotency-Keys of its verifications (whose ids have the tag
    in them, for whoever has NUMBER_SECRET), and what an operator's rule says of it alone.

    Raises:
        redis.RedisError: Some of it may be left; a second run finds it.
    """
    tag = ids.tag(number)
    # Where a slot is moving its keys are on two nodes, so each is sent for by itself.
    own = sum(int(client.delete(key)) for key in _matching(client, f"*{keys.slot(tag)}*"))
    claims = sum(int(client.delete(key)) for key in _claims(client, ids, tag))
    return own + claims + _rules(client, number)


def _matching(client: redis.Redis, pattern: str) -> list[str]:
    servers = client.masters() if isinstance(client, Cluster) else [client]
    found = (key for one in servers for key in one.scan_iter(match=pattern, count=STEP))
    return list(dict.fromkeys(found))


def _claims(client: redis.Redis, ids: IdMint, tag: str) -> Iterator[str]:
    for key in _matching(client, keys.claim("*")):
        address = ids.address(str(client.hget(key, "id") or ""))
        if address and address.tag == tag:
            yield key


def _rules(client: redis.Redis, number: str) -> int:
    """Take away the operator's rules for more of the number than a prefix has."""
    lengths = range(len(prefix_of(number)) + 1, len(number) + 1)
    fields = [f"rule {number[:length]}" for length in lengths]
    return int(client.hdel(keys.rules(), *fields))
