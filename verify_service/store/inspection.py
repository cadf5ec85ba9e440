"""Checks before a release that the Redis server can keep the guarantees of the service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from redis.exceptions import NoPermissionError, RedisError

from verify_service.domain.check_result import (
    EVICTION,
    FAILOVER,
    PERSISTENCE,
    CheckResult,
    Severity,
)
from verify_service.domain.errors import StoreUnavailable
from verify_service.domain.redis_memory import (
    LOST_BY_EVICTION,
    NOEVICTION,
    WHY_MEMORY_FIRST,
    RedisMemory,
)
from verify_service.store import keys
from verify_service.store.connection.client import Client, Command
from verify_service.store.connection.redis_errors import NO_FUNCTIONS, state_of
from verify_service.store.functions import Functions

OLDEST_VERSION = (7, 0)
"""The first Redis with functions."""
REDIS = "Redis"
_REFUSED_COMMAND = re.compile(r"'([a-z|]+)' command")
"""In the server's error for a command that our user may not run."""
INFO_NOT_PERMITTED = (
    "Our user may not run INFO, so version, maxmemory-policy, persistence and maxclients were not "
    "checked. Permit +info, or compare them with docs/reliability.md."
)
NEEDED_COMMANDS: tuple[tuple[str, Command], ...] = (
    ("fcall", ("FCALL", "none", 0)),
    ("time", ("TIME",)),
    ("set", ("SET", keys.WRITE_TEST, "", "PX", 1000)),
    ("get", ("GET", keys.WRITE_TEST)),
    ("mget", ("MGET", keys.WRITE_TEST)),
    ("hset", ("HSET", keys.WRITE_TEST, "field", "")),
    ("hmget", ("HMGET", keys.WRITE_TEST, "field")),
    ("hgetall", ("HGETALL", keys.WRITE_TEST)),
    ("hdel", ("HDEL", keys.WRITE_TEST, "field")),
    ("hincrby", ("HINCRBY", keys.WRITE_TEST, "field", 1)),
    ("hlen", ("HLEN", keys.WRITE_TEST)),
    ("hkeys", ("HKEYS", keys.WRITE_TEST)),
    ("rpush", ("RPUSH", keys.WRITE_TEST, "")),
    ("ltrim", ("LTRIM", keys.WRITE_TEST, 0, 0)),
    ("exists", ("EXISTS", keys.WRITE_TEST)),
    ("lrange", ("LRANGE", keys.WRITE_TEST, 0, 0)),
    ("llen", ("LLEN", keys.WRITE_TEST)),
    ("zadd", ("ZADD", keys.WRITE_TEST, 0, "")),
    ("zrem", ("ZREM", keys.WRITE_TEST, "")),
    ("zcard", ("ZCARD", keys.WRITE_TEST)),
    ("zrange", ("ZRANGE", keys.WRITE_TEST, 0, 0)),
    ("pexpireat", ("PEXPIREAT", keys.WRITE_TEST, 1)),
    ("del", ("DEL", keys.WRITE_TEST)),
)
"""The commands that the service needs beside FUNCTION LOAD, each with one to try. The key is a
string, so a permitted command for another type fails with WRONGTYPE and changes nothing."""
OPERATORS_COMMANDS: dict[Command, str] = {
    ("SCAN", 0, "MATCH", keys.WRITE_TEST): "command `erase` fails, and `blocked` lists no full "
    "limit",
    ("LREM", keys.WRITE_TEST, 0, ""): "command `erase` fails",
}
"""The commands that only the operator needs, and what fails without each."""
_CONFIGURATION: tuple[Command, ...] = (
    ("INFO",),
    ("CONFIG", "GET", "save"),
    ("CONFIG", "GET", "appendfsync"),
    ("CONFIG", "GET", "min-replicas-to-write"),
)
_AOF_LOSS = {"always": "nothing", "no": "half a minute"}
"""What a restart loses, by ``appendfsync``."""
_EVERYSEC_LOSS = "up to two seconds, so a used code may be right again"


def inspect(functions: Functions, connections: int) -> Iterator[CheckResult]:
    """Yield the results of all checks.

    Args:
        connections: The maximum of all processes of two releases together.
    """
    try:
        yield from _configuration(functions.client, connections)
        yield from _permissions(functions)
    except StoreUnavailable as error:
        yield _outage(error.state)
    except NoPermissionError as error:  # connecting runs SELECT, or CLUSTER SLOTS
        yield _lacking([f"+{name}" for name in _REFUSED_COMMAND.findall(str(error))])
    except RedisError as error:
        yield _outage(state_of(error))


def _outage(state: str) -> CheckResult:
    return CheckResult(Severity.ERROR, REDIS, f"Redis {state}.", outage=state)


def _permissions(functions: Functions) -> Iterator[CheckResult]:
    """Load the library, run each needed command, and call a function."""
    tried = (("function|load", ("FUNCTION", "LOAD", functions.text)), *NEEDED_COMMANDS)
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
    yield from _operators_permissions(functions.client)


def _operators_permissions(client: Client) -> Iterator[CheckResult]:
    replies = client.send(*OPERATORS_COMMANDS)
    for (command, failure), reply in zip(OPERATORS_COMMANDS.items(), replies, strict=True):
        if isinstance(reply, NoPermissionError):
            name = str(command[0])
            sentence = f"Our user may not run {name}, so the operator's {failure}."
            permit = f"Permit +{name.lower()}."
            yield CheckResult(Severity.WARNING, REDIS, f"{sentence} {permit}")


def _lacking(permissions: Iterable[str]) -> CheckResult:
    sentence = f"Our user lacks permissions that the service needs: permit {' '.join(permissions)}."
    return CheckResult(Severity.ERROR, REDIS, sentence)


def _configuration(client: Client, connections: int) -> Iterator[CheckResult]:
    info, *settings = client.send(*_CONFIGURATION)
    if isinstance(info, NoPermissionError):  # INFO is in the ACL category @dangerous
        yield CheckResult(Severity.WARNING, REDIS, INFO_NOT_PERMITTED)
        return
    facts = _facts(info)
    yield _version(facts)
    yield from _guarantees(facts, settings)
    yield from _connections(facts, connections)


def guarantees(client: Client) -> tuple[CheckResult, ...]:
    """Check in one exchange what may change while it serves; nothing if INFO is not permitted.

    Raises:
        RedisError: Redis did not reply.
    """
    info, *settings = client.send(*_CONFIGURATION)
    if isinstance(info, Exception):
        return ()
    return tuple(_guarantees(_facts(info), settings))


def _guarantees(info: dict[str, Any], settings: Sequence[Any]) -> Iterator[CheckResult]:
    save, fsync, least = map(_setting, settings)
    yield from _memory(info)
    yield from _eviction(info)
    yield _persistence(info, save, fsync)
    yield from _failover(info, least)


def _facts(info: Any) -> dict[str, Any]:
    """Return what INFO lists. Raises RedisError if it is an error reply."""
    if isinstance(info, Exception):
        raise info
    lines = (line.partition(":") for line in info.splitlines() if ":" in line)
    return {name: int(value) if value.isdigit() else value for name, _, value in lines}


def _setting(reply: Any) -> str | None:
    """Return a configuration parameter of the server; None if CONFIG is not permitted."""
    return str(reply[1]) if isinstance(reply, list) and reply else None


def _version(info: dict[str, Any]) -> CheckResult:
    if "valkey_version" in info:
        return CheckResult(Severity.GOOD, REDIS, f"Valkey {info['valkey_version']}.")
    version = str(info.get("redis_version", "0"))
    known = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if known >= OLDEST_VERSION:
        return CheckResult(Severity.GOOD, REDIS, f"Redis {version}.")
    least = ".".join(map(str, OLDEST_VERSION))
    sentence = f"Redis {version} is too old; {least} or newer is needed."
    return CheckResult(Severity.ERROR, REDIS, sentence)


def _memory(info: dict[str, Any]) -> Iterator[CheckResult]:
    names = ("used_memory", "maxmemory", "maxmemory_policy", "evicted_keys")
    if all(name in info for name in names):
        memory = RedisMemory(*(info[name] for name in names))
        yield CheckResult(Severity.GOOD, REDIS, f"Memory: {memory}.", memory=memory)


def _eviction(info: dict[str, Any]) -> Iterator[CheckResult]:
    """Yield a warning if keys may be evicted. It has no figure, so the log has it once."""
    policy = info.get("maxmemory_policy", "unknown")
    if policy == NOEVICTION:
        return
    sentence = (
        f"maxmemory-policy is {policy}: when memory is full, Redis evicts keys, and with them the "
        "limits and the counts of guesses. Set noeviction; if memory is nearly full, raise "
        "maxmemory first."
    )
    if info.get("evicted_keys"):
        sentence = (
            f"maxmemory-policy is {policy}, and Redis has evicted keys. {LOST_BY_EVICTION} First "
            f"raise maxmemory, then set noeviction: {WHY_MEMORY_FIRST}"
        )
    yield CheckResult(Severity.WARNING, REDIS, sentence, EVICTION)


def _persistence(info: dict[str, Any], save: str | None, fsync: str | None) -> CheckResult:
    if info.get("aof_enabled"):
        return _append_only(fsync)
    if save == "":
        problem = "Nothing is written to disk: a restart loses every limit and lock."
    else:
        problem = "appendonly is no: a restart restores a snapshot that is minutes old"
        problem += ", used codes included." if save else ", or none."
    sentence = f"{problem} Set appendonly yes if the platform allows it."
    return CheckResult(Severity.WARNING, REDIS, sentence, PERSISTENCE)


def _append_only(fsync: str | None) -> CheckResult:
    loss = _AOF_LOSS.get(fsync or "", _EVERYSEC_LOSS)
    if fsync == "always":
        sentence = f"appendonly yes, appendfsync always: a restart loses {loss}."
        return CheckResult(Severity.GOOD, REDIS, sentence, PERSISTENCE)
    known = f"appendfsync {fsync}" if fsync else "appendfsync unknown"
    sentence = (
        f"appendonly yes, {known}: where the disk is slow, the end of the process loses {loss}. "
        "Set appendfsync always: a code is worth a write to disk."
    )
    return CheckResult(Severity.WARNING, REDIS, sentence, PERSISTENCE)


def _failover(info: dict[str, Any], least: str | None) -> Iterator[CheckResult]:
    if info.get("connected_slaves") and least == "0":
        sentence = (
            "min-replicas-to-write is 0: a master that is cut off accepts writes that the failover "
            "then discards. Set 1, with min-replicas-max-lag 10 or less."
        )
        yield CheckResult(Severity.WARNING, REDIS, sentence, FAILOVER)


def _connections(info: dict[str, Any], connections: int) -> Iterator[CheckResult]:
    maximum = info.get("maxclients")
    if maximum is None:
        return
    severity = Severity.WARNING if connections > maximum else Severity.GOOD
    sentence = (
        f"Up to {connections} connections while two releases overlap; maxclients is {maximum}."
    )
    yield CheckResult(severity, REDIS, sentence)
