"""The function libraries of past releases: the last three are kept, so that a roll back has one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from redis.exceptions import NoPermissionError, RedisError, ResponseError

from verify_service.domain.check_result import CheckResult, Severity
from verify_service.store import keys
from verify_service.store.connection.client import Client
from verify_service.store.connection.redis_errors import state_of
from verify_service.store.functions import DIGEST_CHARACTERS, LIBRARY_PREFIX, Functions

KEPT_LIBRARIES = 3
LIBRARY_LIST_SECONDS = 90 * 86_400
"""TTL of the list: longer than the time between two releases. A library that is removed too early
is loaded again by the process that calls it."""
# FUNCTION LIST ignores case in its pattern, and a foreign name may begin with the same prefix.
_OURS = re.compile(rf"{LIBRARY_PREFIX}[0-9a-f]{{{DIGEST_CHARACTERS}}}\Z")
_NOT_PERMITTED = (
    "Our user may not list or delete function libraries, so those of past releases are kept. "
    "Permit +function|list and +function|delete, or delete them by hand."
)


def keep_three(functions: Functions) -> Iterator[CheckResult]:
    """Load this release's library, and delete ours of releases before the last two.

    Yields a warning if that fails: an old library only uses some memory.
    """
    try:
        functions.load()
        _delete_old(functions.client, functions.name)
    except NoPermissionError:
        yield CheckResult(Severity.WARNING, "Redis", _NOT_PERMITTED)
    except RedisError as error:
        sentence = f"Redis {state_of(error)}; old function libraries are kept."
        yield CheckResult(Severity.WARNING, "Redis", sentence)


def _delete_old(client: Client, current: str) -> None:
    earlier = client.execute("GET", keys.LIBRARIES)
    listed = client.execute("FUNCTION", "LIST", "LIBRARYNAME", f"{LIBRARY_PREFIX}*")
    kept = list(dict.fromkeys([current, *json.loads(earlier or "[]")]))[:KEPT_LIBRARIES]
    client.execute("SET", keys.LIBRARIES, json.dumps(kept), "EX", LIBRARY_LIST_SECONDS)
    for _, name, *_ in listed:
        if _OURS.match(name) and name not in kept:
            _delete(client, name)


def _delete(client: Client, name: str) -> None:
    try:
        client.execute("FUNCTION", "DELETE", name)
    except ResponseError as error:
        # Another release may have deleted it.
        if "not found" not in str(error):
            raise
