"""The errors of Redis, and a sentence for each: an operator reads them in ``/readyz``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis import exceptions

from verify_service.domain.errors import OUT_OF_MEMORY, StoreUnavailable

UNREACHABLE = "cannot be reached"


class NoConnectionFree(redis.ConnectionError):
    """All connections of the pool were in use for longer than a caller waits."""


class NothingAnswers(redis.ConnectionError):
    """No caller in the pool's queue got a connection that works."""


class NoMasterKnown(redis.ConnectionError):
    """No Sentinel, or no node of the cluster, names the master."""


class RedirectLoop(redis.RedisError):
    """The nodes of a cluster redirect to each other, as they may while a slot migrates."""


class SentinelsRefusePassword(NoMasterKnown):
    """The Sentinels refuse our password: they may have their own."""


_READ_ONLY = "is read-only: a replica, or a demoted master"
_LOADING = "is loading its data"
_MIGRATING = "is a cluster that is migrating our slot to another master"
_WRONG_PASSWORD = "refuses our user or password"
_SENTINEL_PASSWORD = "cannot be found: the Sentinels refuse our password (sentinel_password)"
_IS_CLUSTER = "is a cluster: REDIS_URL must begin with redis+cluster:// and name no database"
_NO_DATABASE = "has no database with the number that REDIS_URL names"
_PROTECTED = "is in protected mode: it accepts connections from its own machine alone"
_NO_TLS = "does not speak TLS at this address: REDIS_URL must begin with redis, not rediss"
_UNTRUSTED = "has a certificate that is not trusted (REDIS_CA_FILE)"
NO_FUNCTIONS = "has no functions: Redis 7.0 or newer, or Valkey, is needed"
_NO_PERMISSION = (
    "refuses our user a command or a key; `python -m verify_service.cli.release` names it"
)
PERMANENT = frozenset(
    {
        _WRONG_PASSWORD,
        _SENTINEL_PASSWORD,
        _IS_CLUSTER,
        _NO_DATABASE,
        _PROTECTED,
        _NO_TLS,
        _UNTRUSTED,
        NO_FUNCTIONS,
        _NO_PERMISSION,
    }
)
"""States that last until someone changes a setting, ours or the server's."""
_BY_CLASS: tuple[tuple[type[redis.RedisError], str], ...] = (
    (NoConnectionFree, "is too slow, or the pool is too small (REDIS_POOL)"),
    (NothingAnswers, "cannot be reached, or does not answer"),
    (SentinelsRefusePassword, _SENTINEL_PASSWORD),
    (NoMasterKnown, "cannot be found: no Sentinel or cluster node names the master"),
    (exceptions.BusyLoadingError, _LOADING),
    (exceptions.ReadOnlyError, _READ_ONLY),
    (exceptions.OutOfMemoryError, OUT_OF_MEMORY),
    (exceptions.AuthenticationError, _WRONG_PASSWORD),
    (exceptions.NoPermissionError, _NO_PERMISSION),
    (exceptions.TryAgainError, _MIGRATING),
    (exceptions.MovedError, _IS_CLUSTER),
    (exceptions.AskError, _MIGRATING),
    (RedirectLoop, _MIGRATING),
    (exceptions.MasterDownError, "is a replica without its master"),
    (exceptions.ClusterDownError, "is a cluster that does not serve all slots"),
    (redis.TimeoutError, "does not answer in time"),
)
_BY_WORD = {
    "OOM": OUT_OF_MEMORY,
    "LOADING": _LOADING,
    "READONLY": _READ_ONLY,
    "MISCONF": "cannot write its data to disk, so it refuses writes",
    "NOREPLICAS": "has too few replicas (min-replicas-to-write)",
    "BUSY": "is busy with another client's script",
    "NOAUTH": _WRONG_PASSWORD,
    "DENIED": _PROTECTED,
    "NOPERM": _NO_PERMISSION,
}
"""By the first word of an error reply."""
_BY_PART = {
    "CERTIFICATE_VERIFY_FAILED": _UNTRUSTED,
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "DB index is out of range": _NO_DATABASE,
    "SELECT is not allowed in cluster mode": _IS_CLUSTER,
    "max number of clients": "has no free connection (maxclients)",
    "non local key": _MIGRATING,
    "unknown command": NO_FUNCTIONS,
    # A command in a function: Valkey's text, and Redis'.
    "ACL failure in script": _NO_PERMISSION,
    "The user executing the script can't": _NO_PERMISSION,
}
"""By a part of the error's text."""


def state_of(error: redis.RedisError) -> str:
    """Return the state of Redis as the end of a sentence that begins with "Redis"."""
    return _known_state(error) or (
        UNREACHABLE if isinstance(error, redis.ConnectionError) else "cannot work now"
    )


def _known_state(error: redis.RedisError) -> str | None:
    text = str(error)
    for part, state in _BY_PART.items():
        if part in text:
            return state
    for kind, state in _BY_CLASS:
        if isinstance(error, kind):
            return state
    return _BY_WORD.get(text.partition(" ")[0])


@contextmanager
def translated() -> Iterator[None]:
    """Translate errors of redis-py to StoreUnavailable, except those that are bugs of ours."""
    try:
        yield
    except redis.RedisError as error:
        raise unavailable(error) from error


def unavailable(error: redis.RedisError) -> StoreUnavailable:
    """Return the error for the log. It quotes redis-py's messages, never an error reply.

    An error reply may repeat a command's arguments, such as a number. Some of redis-py's classes
    for error replies (loading, wrong password) are subclasses of its ConnectionError.

    Raises:
        RedisError: The error itself, if it is a bug of ours.
    """
    if _is_bug(error):
        raise error
    name = type(error).__name__
    from_client = type(error) in (redis.ConnectionError, redis.TimeoutError)
    state = state_of(error)
    reason = f"{name}: {error}" if from_client else name
    return StoreUnavailable(reason, state, permanent=state in PERMANENT)


def _is_bug(error: redis.RedisError) -> bool:
    """Return whether the error is a bug of ours: an error reply without a known state."""
    if type(error) is redis.ResponseError:
        return _known_state(error) is None
    return isinstance(error, redis.DataError)
