"""The errors of Redis, and a sentence for each: an operator reads them in ``/readyz``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis import exceptions

from verify_service.domain.errors import StoreUnavailable

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
_FULL = "is out of memory"
_MIGRATING = "is a cluster that is migrating our slot to another master"
NO_FUNCTIONS = "has no functions: Redis 7.0 or newer, or Valkey, is needed"
_NO_PERMISSION = (
    "refuses our user a command or a key; `python -m verify_service.cli.release` names it"
)
_BY_CLASS: tuple[tuple[type[redis.RedisError], str], ...] = (
    (NoConnectionFree, "is too slow, or the pool is too small (REDIS_POOL)"),
    (NothingAnswers, "cannot be reached, or does not answer"),
    (
        SentinelsRefusePassword,
        "cannot be found: the Sentinels refuse our password (sentinel_password)",
    ),
    (NoMasterKnown, "cannot be found: no Sentinel or cluster node names the master"),
    (exceptions.BusyLoadingError, _LOADING),
    (exceptions.ReadOnlyError, _READ_ONLY),
    (exceptions.OutOfMemoryError, _FULL),
    (exceptions.AuthenticationError, "refuses our user or password"),
    (exceptions.NoPermissionError, _NO_PERMISSION),
    (exceptions.TryAgainError, _MIGRATING),
    (exceptions.MovedError, "is a cluster: REDIS_URL must begin with redis+cluster://"),
    (exceptions.AskError, _MIGRATING),
    (RedirectLoop, _MIGRATING),
    (exceptions.MasterDownError, "is a replica without its master"),
    (exceptions.ClusterDownError, "is a cluster that does not serve all slots"),
    (redis.TimeoutError, "does not answer in time"),
)
_BY_WORD = {
    "OOM": _FULL,
    "LOADING": _LOADING,
    "READONLY": _READ_ONLY,
    "MISCONF": "cannot write its data to disk, so it refuses writes",
    "NOREPLICAS": "has too few replicas (min-replicas-to-write)",
    "BUSY": "is busy with another client's script",
    "NOAUTH": "refuses our user or password",
    "NOPERM": _NO_PERMISSION,
}
"""By the first word of an error reply."""
_BY_PART = {
    "CERTIFICATE_VERIFY_FAILED": "has a certificate that is not trusted (REDIS_CA_FILE)",
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
    return StoreUnavailable(f"{name}: {error}" if from_client else name, state_of(error))


def _is_bug(error: redis.RedisError) -> bool:
    """Return whether the error is a bug of ours: an error reply without a known state."""
    if type(error) is redis.ResponseError:
        return _known_state(error) is None
    return isinstance(error, redis.DataError)
