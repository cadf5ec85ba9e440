"""Looks at Redis before a release goes out: whether it is one that keeps our promises."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from redis.exceptions import NoPermissionError, RedisError

from verify_service.domain.check_result import CheckResult, Severity
from verify_service.domain.errors import StoreUnavailable
from verify_service.store import keys
from verify_service.store.connection.client import Client, Command
from verify_service.store.connection.redis_errors import NO_FUNCTIONS, state_of
from verify_service.store.functions import Functions

OLDEST = (7, 0)
"""Redis before this has no functions."""
REDIS = "Redis"
_COMMAND = re.compile(r"'([a-z|]+)' command")
"""In the server's words for a command that our user may not run."""
UNSEEN = (
    "Our user may not ask for INFO, so version, maxmemory-policy, persistence and the room for "
    "connections were not checked. Permit +info, or compare them with docs/reliability.md."
)
UNSCANNED = "Our user may not run SCAN, so the operator's command `erase` cannot. Permit +scan."
NEEDED: tuple[tuple[str, Command], ...] = (
    ("fcall", ("FCALL", "none", 0)),
    ("time", ("TIME",)),
    ("set", ("SET", keys.WRITE_TEST, "", "PX", 1000)),
    ("get", ("GET", keys.WRITE_TEST)),
    ("mget", ("MGET", keys.WRITE_TEST)),
    ("hset", ("HSET", keys.WRITE_TEST, "field", "")),
    ("hmget", ("HMGET", keys.WRITE_TEST, "field")),
    ("hgetall", ("HGETALL", keys.WRITE_TEST)),
    ("hdel", ("HDEL", keys.WRITE_TEST, "field")),
    ("pexpireat", ("PEXPIREAT", keys.WRITE_TEST, 1)),
    ("del", ("DEL", keys.WRITE_TEST)),
)
"""The rights that serving needs beside that to load a library, and what tries each of them. The
probe is a text, so the commands for hashes change nothing: they fail, where they are permitted."""


def inspect(functions: Functions, connections: int) -> Iterator[CheckResult]:
    """Yield what is to be said of the server that keeps our data.

    Args:
        connections: How many we may open at a time, all processes of two releases together.
    """
    try:
        yield from _rights(functions)
        yield from _server(functions.client, connections)
    except StoreUnavailable as error:
        yield CheckResult(Severity.ERROR, REDIS, f"Redis {error.state}.")
    except NoPermissionError as error:  # to connect: a database is chosen, a cluster's slots asked
        yield _lacking([f"+{name}" for name in _COMMAND.findall(str(error))])
    except RedisError as error:
        yield CheckResult(Severity.ERROR, REDIS, f"Redis {state_of(error)}.")


def _rights(functions: Functions) -> Iterator[CheckResult]:
    """Do what serving does: load the library, run each command that it runs, call a function."""
    tried = (("function|load", ("FUNCTION", "LOAD", functions.text)), *NEEDED)
    replies = functions.client.send(*(command for _, command in tried))
    if any("unknown command" in str(reply) for reply in replies[:2]):
        yield CheckResult(Severity.ERROR, REDIS, f"Redis {NO_FUNCTIONS}.")
        return
    missing: dict[str, None] = {}
    for (name, _), reply in zip(tried, replies, strict=True):
        if isinstance(reply, NoPermissionError):
            missing[f"~{keys.TAG}:*" if "to access" in str(reply) else f"+{name}"] = None
    if missing:
        yield _lacking(missing)
        return
    functions.call("ready", [keys.WRITE_TEST, keys.RESTRICTIONS, keys.BREAKER], {})
    (scanned,) = functions.client.send(("SCAN", 0, "MATCH", keys.WRITE_TEST))
    if isinstance(scanned, NoPermissionError):
        yield CheckResult(Severity.WARNING, REDIS, UNSCANNED)


def _lacking(rights: Iterable[str]) -> CheckResult:
    words = f"Our user lacks rights that serving needs: permit {' '.join(rights)}."
    return CheckResult(Severity.ERROR, REDIS, words)


def _server(client: Client, connections: int) -> Iterator[CheckResult]:
    (info,) = client.send(("INFO",))
    if isinstance(info, NoPermissionError):  # one of the commands that Redis calls dangerous
        yield CheckResult(Severity.WARNING, REDIS, UNSEEN)
        return
    if isinstance(info, Exception):
        raise info
    facts = _facts(info)
    yield _version(facts)
    yield _eviction(facts)
    yield _persistence(facts, _configured(client, "save"), _configured(client, "appendfsync"))
    yield from _failover(facts, _configured(client, "min-replicas-to-write"))
    yield from _room(facts, connections)


def _facts(info: str) -> dict[str, Any]:
    lines = (line.partition(":") for line in info.splitlines() if ":" in line)
    return {name: int(value) if value.isdigit() else value for name, _, value in lines}


def _configured(client: Client, name: str) -> str | None:
    """Return one of the server's own settings; None where we may not ask, as on many platforms."""
    (found,) = client.send(("CONFIG", "GET", name))
    return None if isinstance(found, Exception) or not found else str(found[1])


def _version(facts: dict[str, Any]) -> CheckResult:
    if "valkey_version" in facts:
        return CheckResult(Severity.GOOD, REDIS, f"Valkey {facts['valkey_version']}.")
    version = str(facts.get("redis_version", "0"))
    known = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if known < OLDEST:
        least = ".".join(map(str, OLDEST))
        return CheckResult(
            Severity.ERROR, REDIS, f"Redis {version} is too old; it takes {least} or newer."
        )
    return CheckResult(Severity.GOOD, REDIS, f"Redis {version}.")


def _eviction(facts: dict[str, Any]) -> CheckResult:
    policy = facts.get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        return CheckResult(
            Severity.GOOD, REDIS, "maxmemory-policy noeviction: nothing is forgotten early."
        )
    return CheckResult(
        Severity.WARNING,
        REDIS,
        f"maxmemory-policy is {policy}: when memory is full, an evicted key is a limit forgotten, "
        "and its guesses can be made again. Set noeviction.",
    )


def _persistence(facts: dict[str, Any], save: str | None, fsync: str | None) -> CheckResult:
    if facts.get("aof_enabled"):
        loss = {"always": "loses nothing", "no": "may lose half a minute"}
        said = loss.get(fsync or "", "loses a second at most")
        return CheckResult(Severity.GOOD, REDIS, f"appendonly yes: a restart {said}.")
    if save:
        words = (
            "appendonly is no: a restart brings back what was up to minutes ago, used codes too."
        )
    elif save == "":
        words = "Nothing is kept on disk: a restart forgets every limit and lock."
    else:
        words = "appendonly is no: a restart brings back what was up to minutes ago, if anything."
    return CheckResult(
        Severity.WARNING, REDIS, f"{words} Set appendonly yes where the platform lets you."
    )


def _failover(facts: dict[str, Any], least: str | None) -> Iterator[CheckResult]:
    if facts.get("connected_slaves") and least == "0":
        yield CheckResult(
            Severity.WARNING,
            REDIS,
            "min-replicas-to-write is 0: a master cut off goes on taking writes that a failover "
            "then forgets. Set 1, with min-replicas-max-lag 10 or less.",
        )


def _room(facts: dict[str, Any], connections: int) -> Iterator[CheckResult]:
    allowed = facts.get("maxclients")
    if allowed is None:
        return
    words = f"{connections} connections at most, while two releases overlap; {allowed} are allowed."
    level = Severity.WARNING if connections > allowed else Severity.GOOD
    yield CheckResult(level, REDIS, words)
