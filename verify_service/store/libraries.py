"""The function libraries of past releases: the last three stay, for a roll back to find its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from redis.exceptions import NoPermissionError, RedisError

from verify_service.domain.check_result import CheckResult, Severity
from verify_service.domain.errors import StoreUnavailable
from verify_service.store import keys
from verify_service.store.connection.redis_errors import state_of
from verify_service.store.functions import DIGEST_CHARACTERS, PREFIX, Functions

_OURS = re.compile(rf"{PREFIX}[0-9a-f]{{{DIGEST_CHARACTERS}}}\Z")
"""Redis ignores case where it looks for libraries by a pattern, and others may begin alike."""
KEPT = 3
KEPT_SECONDS = 90 * 86_400
"""How long the list is remembered: longer than two releases are apart. A library that is removed
too early is loaded again by the process that misses it."""


def keep_three(functions: Functions) -> Iterator[CheckResult]:
    """Load this release's library, and remove ours of releases before the last two.

    Yields a warning where our user may not list or delete libraries: they cost some memory each.
    """
    client = functions.client
    try:
        functions.load()
        earlier, listed = client.send(
            ("GET", keys.LIBRARIES), ("FUNCTION", "LIST", "LIBRARYNAME", f"{PREFIX}*")
        )
        _raise(earlier, listed)
        names = [functions.name, *json.loads(earlier or "[]")]
        kept = list(dict.fromkeys(names))[:KEPT]
        _raise(*client.send(("SET", keys.LIBRARIES, json.dumps(kept), "EX", KEPT_SECONDS)))
        for library in listed:
            name = str(library[1])
            if _OURS.match(name) and name not in kept:
                (deleted,) = client.send(("FUNCTION", "DELETE", name))
                _raise(None if "not found" in str(deleted) else deleted)
    except NoPermissionError:
        yield CheckResult(
            Severity.WARNING,
            "Redis",
            "Our user may not list or delete function libraries, so those of past releases stay. "
            "Permit +function|list and +function|delete, or remove them by hand.",
        )
    except StoreUnavailable as error:
        yield CheckResult(Severity.WARNING, "Redis", f"Redis {error.state}; old libraries stay.")
    except RedisError as error:
        yield CheckResult(
            Severity.WARNING, "Redis", f"Redis {state_of(error)}; old libraries stay."
        )


def _raise(*replies: object) -> None:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
