"""What is wrong with Redis, in words: an operator reads them in ``/readyz``."""

from __future__ import annotations

import redis
from redis import exceptions

from verify_service.store.pool import IN_VAIN

UNREACHABLE = "cannot be reached"
_BY_CLASS: tuple[tuple[type[redis.RedisError], str], ...] = (
    (exceptions.BusyLoadingError, "is still loading its data"),
    (exceptions.ReadOnlyError, "is read-only: a replica, or a master just replaced"),
    (exceptions.OutOfMemoryError, "is out of memory"),
    (exceptions.AuthenticationError, "refuses our user or password"),
    (exceptions.NoPermissionError, "does not permit its user what we need"),
    (
        exceptions.ClusterCrossSlotError,
        "is a cluster: REDIS_URL has to begin with redis+cluster://",
    ),
    (exceptions.ClusterDownError, "is a cluster that is not whole"),
    (exceptions.MasterDownError, "is a replica without its master"),
    (redis.TimeoutError, "does not answer in time"),
)
_BY_WORD = {
    "OOM": "is out of memory",
    "LOADING": "is still loading its data",
    "READONLY": "is read-only: a replica, or a master just replaced",
    "MISCONF": "cannot write its data to disk, and so takes none",
    "NOREPLICAS": "has too few replicas in step (min-replicas-to-write)",
    "BUSY": "is busy with a script of somebody else's",
    "NOAUTH": "refuses our user or password",
}
"""By the first word of a server's error."""
_BY_PART = {
    "CERTIFICATE_VERIFY_FAILED": "shows a certificate that is not trusted (REDIS_CA_FILE)",
    IN_VAIN: "cannot be reached, or does not answer",
    "No connection available": "has too few connections for us, or is too slow (REDIS_POOL)",
    "max number of clients": "has no connection left for anybody (maxclients)",
    "No Sentinel takes": "cannot be found: the Sentinels refuse our password (sentinel_password)",
    "No Sentinel": "cannot be found: no Sentinel knows the master",
}
"""By a part of what a client says of a connection."""


def state_of(error: redis.RedisError) -> str:
    """Return the end of the sentence that begins with "Redis"."""
    words = str(error)
    for part, state in _BY_PART.items():
        if part in words:
            return state
    for kind, state in _BY_CLASS:
        if isinstance(error, kind):
            return state
    if isinstance(error, redis.ConnectionError):
        return UNREACHABLE
    return _BY_WORD.get(words.partition(" ")[0], "cannot work now")
