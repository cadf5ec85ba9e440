"""What is wrong with Redis, in words: an operator reads them in ``/readyz``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis import exceptions

from verify_service.domain.errors import StoreUnavailable

UNREACHABLE = "cannot be reached"


class NoConnectionFree(redis.ConnectionError):
    """All connections of the pool were in use for longer than a caller may wait."""


class NothingAnswers(redis.ConnectionError):
    """The callers ahead in the pool's line did not get a connection that works either."""


class NoMasterKnown(redis.ConnectionError):
    """No Sentinel, or no node of the cluster, could say which server is the master."""


class SentInCircles(redis.RedisError):
    """The nodes of a cluster sent us to each other, as they may while a slot changes hands."""


class SentinelsRefusePassword(NoMasterKnown):
    """The Sentinels have a password of their own."""


_READ_ONLY = "is read-only: a replica, or a demoted master"
_LOADING = "is still loading its data"
_FULL = "is out of memory"
_MOVING = "is a cluster that moves our data to another master"
NO_FUNCTIONS = "has no functions: Redis 7.0 or newer is needed, or Valkey"
_NO_RIGHT = "refuses our user a command or a key: `python -m verify_service.cli.release` says which"
_BY_CLASS: tuple[tuple[type[redis.RedisError], str], ...] = (
    (NoConnectionFree, "has too few connections for us, or is too slow (REDIS_POOL)"),
    (NothingAnswers, "cannot be reached, or does not answer"),
    (
        SentinelsRefusePassword,
        "cannot be found: the Sentinels refuse our password (sentinel_password)",
    ),
    (NoMasterKnown, "cannot be found: no Sentinel or node knows the master"),
    (exceptions.BusyLoadingError, _LOADING),
    (exceptions.ReadOnlyError, _READ_ONLY),
    (exceptions.OutOfMemoryError, _FULL),
    (exceptions.AuthenticationError, "refuses our user or password"),
    (exceptions.NoPermissionError, _NO_RIGHT),
    (exceptions.TryAgainError, _MOVING),
    (exceptions.MovedError, "is a cluster: REDIS_URL has to begin with redis+cluster://"),
    (exceptions.AskError, _MOVING),
    (SentInCircles, _MOVING),
    (exceptions.MasterDownError, "is a replica without its master"),
    (exceptions.ClusterDownError, "is a cluster that is not whole"),
    (redis.TimeoutError, "does not answer in time"),
)
_BY_WORD = {
    "OOM": _FULL,
    "LOADING": _LOADING,
    "READONLY": _READ_ONLY,
    "MISCONF": "cannot write its data to disk, and so takes none",
    "NOREPLICAS": "has too few replicas in step (min-replicas-to-write)",
    "BUSY": "is busy with a script of another client",
    "NOAUTH": "refuses our user or password",
    "NOPERM": _NO_RIGHT,
}
"""By the first word of a server's error."""
_BY_PART = {
    "CERTIFICATE_VERIFY_FAILED": "shows a certificate that is not trusted (REDIS_CA_FILE)",
    "max number of clients": "has no connection left for us (maxclients)",
    "non local key": _MOVING,
    "unknown command": NO_FUNCTIONS,
    # Of a command that a function runs: Valkey's words, and Redis'.
    "ACL failure in script": _NO_RIGHT,
    "The user executing the script can't": _NO_RIGHT,
}
"""By a part of an error's text."""


def state_of(error: redis.RedisError) -> str:
    """Return the end of the sentence that begins with "Redis"."""
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
    """Turn what redis-py raises into StoreUnavailable, except for bugs of our own."""
    try:
        yield
    except redis.RedisError as error:
        raise unavailable(error) from error


def unavailable(error: redis.RedisError) -> StoreUnavailable:
    """Name what happened, and quote redis-py's own words, never the server's.

    A server's error may repeat a command's arguments, a number among them. Some of redis-py's
    classes for those (loading, wrong password) are subclasses of its ConnectionError.

    Raises:
        RedisError: It is a bug of our own.
    """
    if _is_bug(error):
        raise error
    name = type(error).__name__
    own_words = type(error) in (redis.ConnectionError, redis.TimeoutError)
    return StoreUnavailable(f"{name}: {error}" if own_words else name, state_of(error))


def _is_bug(error: redis.RedisError) -> bool:
    """Return whether the fault is ours: an error of the server that no known state explains."""
    if type(error) is redis.ResponseError:
        return _known_state(error) is None
    return isinstance(error, redis.DataError)
