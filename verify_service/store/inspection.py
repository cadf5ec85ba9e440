"""Checks before a release that the Redis server can keep the guarantees of the service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from redis.exceptions import NoPermissionError, RedisError, ResponseError

from verify_service.domain.check_result import CheckResult, Severity
from verify_service.domain.errors import StoreUnavailable
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
SCAN_NOT_PERMITTED = (
    "Our user may not run SCAN, so the operator's command `erase` fails. Permit +scan."
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
    ("pexpireat", ("PEXPIREAT", keys.WRITE_TEST, 1)),
    ("del", ("DEL", keys.WRITE_TEST)),
)
"""The commands that the service needs beside FUNCTION LOAD, each with one to try. The key is a
string, so a hash command that is permitted fails with WRONGTYPE and changes nothing."""
_AOF_LOSS = {"always": "loses nothing", "no": "may lose half a minute"}
"""What a restart loses, by ``appendfsync``."""


def inspect(functions: Functions, connections: int) -> Iterator[CheckResult]:
    """Yield the results of all checks.

    Args:
        connections: The maximum of all processes of two releases together.
    """
    try:
        yield from _permissions(functions)
        yield from _configuration(functions.client, connections)
    except StoreUnavailable as error:
        yield CheckResult(Severity.ERROR, REDIS, f"Redis {error.state}.")
    except NoPermissionError as error:  # connecting runs SELECT, or CLUSTER SLOTS
        yield _lacking([f"+{name}" for name in _REFUSED_COMMAND.findall(str(error))])
    except RedisError as error:
        yield CheckResult(Severity.ERROR, REDIS, f"Redis {state_of(error)}.")


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
    (scanned,) = functions.client.send(("SCAN", 0, "MATCH", keys.WRITE_TEST))
    if isinstance(scanned, NoPermissionError):
        yield CheckResult(Severity.WARNING, REDIS, SCAN_NOT_PERMITTED)


def _lacking(permissions: Iterable[str]) -> CheckResult:
    sentence = f"Our user lacks permissions that the service needs: permit {' '.join(permissions)}."
    return CheckResult(Severity.ERROR, REDIS, sentence)


def _configuration(client: Client, connections: int) -> Iterator[CheckResult]:
    try:
        info = _parse_info(client.execute("INFO"))
    except NoPermissionError:  # INFO is in the ACL category @dangerous
        yield CheckResult(Severity.WARNING, REDIS, INFO_NOT_PERMITTED)
        return
    yield _version(info)
    yield _eviction(info)
    yield _persistence(info, _config(client, "save"), _config(client, "appendfsync"))
    yield from _failover(info, _config(client, "min-replicas-to-write"))
    yield from _connections(info, connections)


def _parse_info(text: str) -> dict[str, Any]:
    lines = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: int(value) if value.isdigit() else value for name, _, value in lines}


def _config(client: Client, name: str) -> str | None:
    """Return a configuration parameter of the server; None if CONFIG is not permitted."""
    try:
        found = client.execute("CONFIG", "GET", name)
    except ResponseError:
        return None
    return str(found[1]) if found else None


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


def _eviction(info: dict[str, Any]) -> CheckResult:
    policy = info.get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        sentence = "maxmemory-policy noeviction: no key is evicted."
        return CheckResult(Severity.GOOD, REDIS, sentence)
    return CheckResult(
        Severity.WARNING,
        REDIS,
        f"maxmemory-policy is {policy}: when memory is full, Redis evicts keys, and with them the "
        "limits and the counts of guesses. Set noeviction.",
    )


def _persistence(info: dict[str, Any], save: str | None, fsync: str | None) -> CheckResult:
    if info.get("aof_enabled"):
        loss = _AOF_LOSS.get(fsync or "", "loses a second at most")
        return CheckResult(Severity.GOOD, REDIS, f"appendonly yes: a restart {loss}.")
    if save == "":
        problem = "Nothing is written to disk: a restart loses every limit and lock."
    else:
        problem = "appendonly is no: a restart restores a snapshot that is minutes old"
        problem += ", used codes included." if save else ", or none."
    sentence = f"{problem} Set appendonly yes if the platform allows it."
    return CheckResult(Severity.WARNING, REDIS, sentence)


def _failover(info: dict[str, Any], least: str | None) -> Iterator[CheckResult]:
    if info.get("connected_slaves") and least == "0":
        yield CheckResult(
            Severity.WARNING,
            REDIS,
            "min-replicas-to-write is 0: a master that is cut off accepts writes that the failover "
            "then discards. Set 1, with min-replicas-max-lag 10 or less.",
        )


def _connections(info: dict[str, Any], connections: int) -> Iterator[CheckResult]:
    maximum = info.get("maxclients")
    if maximum is None:
        return
    severity = Severity.WARNING if connections > maximum else Severity.GOOD
    sentence = (
        f"Up to {connections} connections while two releases overlap; maxclients is {maximum}."
    )
    yield CheckResult(severity, REDIS, sentence)
