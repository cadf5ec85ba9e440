"""Looks at Redis before a release goes out: whether it is one that keeps our promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis
from redis.exceptions import NoPermissionError

from verify_service.findings import Finding, Level
from verify_service.store import keys
from verify_service.store.cluster import Cluster
from verify_service.store.states import state_of

OLDEST = (6, 2)
"""Redis before this lacks what the scripts use."""
REDIS = "Redis"
UNSEEN = (
    "Our user may not ask for INFO, so nobody looked at version, maxmemory-policy, persistence and "
    "the room for connections. Permit +info, or compare them with docs/reliability.md."
)


def inspect(client: redis.Redis, connections: int) -> Iterator[Finding]:
    """Yield what is to be said of each server that keeps our data.

    Args:
        connections: How many we may open at a time, all processes of two releases together.
    """
    try:
        client.set(keys.probe(), "", px=1000)
        client.eval("return redis.call('TIME')[1]", 1, keys.probe())
        for server in client.masters() if isinstance(client, Cluster) else [client]:
            yield from _server(server, connections)
    except redis.RedisError as error:
        yield Finding(Level.ERROR, REDIS, f"Redis {state_of(error)}.")


def _server(server: redis.Redis, connections: int) -> Iterator[Finding]:
    try:
        facts: dict[str, Any] = dict(server.info())
    except NoPermissionError:  # one of the commands that Redis calls dangerous
        yield Finding(Level.WARNING, REDIS, UNSEEN)
        return
    yield _version(facts)
    yield _eviction(facts)
    yield _persistence(facts, _configured(server, "save"), _configured(server, "appendfsync"))
    yield from _failover(facts, _configured(server, "min-replicas-to-write"))
    yield from _room(facts, connections)


def _configured(server: redis.Redis, name: str) -> str | None:
    """Return one of the server's own settings; None where we may not ask, as on many platforms."""
    try:
        found: dict[Any, Any] = server.config_get(name)
    except redis.RedisError:
        return None
    return None if found.get(name) is None else str(found[name])


def _version(facts: dict[str, Any]) -> Finding:
    if "valkey_version" in facts:
        return Finding(Level.GOOD, REDIS, f"Valkey {facts['valkey_version']}.")
    version = str(facts.get("redis_version", "0"))
    known = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if known < OLDEST:
        least = ".".join(map(str, OLDEST))
        return Finding(
            Level.ERROR, REDIS, f"Redis {version} is too old; it takes {least} or newer."
        )
    return Finding(Level.GOOD, REDIS, f"Redis {version}.")


def _eviction(facts: dict[str, Any]) -> Finding:
    policy = facts.get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        return Finding(
            Level.GOOD, REDIS, "maxmemory-policy noeviction: nothing is forgotten early."
        )
    return Finding(
        Level.WARNING,
        REDIS,
        f"maxmemory-policy is {policy}: when memory is full, an evicted key is a limit forgotten, "
        "and guesses begin anew. Set noeviction.",
    )


def _persistence(facts: dict[str, Any], save: str | None, fsync: str | None) -> Finding:
    if facts.get("aof_enabled"):
        loss = {"always": "loses nothing", "no": "may lose half a minute"}
        said = loss.get(fsync or "", "loses a second at most")
        return Finding(Level.GOOD, REDIS, f"appendonly yes: a restart {said}.")
    if save:
        words = (
            "appendonly is no: a restart brings back what was up to minutes ago, used codes too."
        )
    elif save == "":
        words = "Nothing is kept on disk: after a restart every limit and lock begins anew."
    else:
        words = "appendonly is no: a restart brings back what was up to minutes ago, if anything."
    return Finding(Level.WARNING, REDIS, f"{words} Set appendonly yes where the platform lets you.")


def _failover(facts: dict[str, Any], least: str | None) -> Iterator[Finding]:
    if facts.get("connected_slaves") and least == "0":
        yield Finding(
            Level.WARNING,
            REDIS,
            "min-replicas-to-write is 0: a master cut off goes on taking writes that a failover "
            "then forgets. Set 1, with min-replicas-max-lag 10 or less.",
        )


def _room(facts: dict[str, Any], connections: int) -> Iterator[Finding]:
    allowed = facts.get("maxclients")
    if allowed is None:
        return
    words = f"{connections} connections at most, while two releases overlap; {allowed} are allowed."
    level = Level.WARNING if connections > allowed else Level.GOOD
    yield Finding(level, REDIS, words)
