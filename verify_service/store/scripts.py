"""Loads each Lua file once, prepares the one argument all scripts share, and runs them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar, cast

import redis

from verify_service import policy as names
from verify_service.errors import StoreUnavailable
from verify_service.store.states import state_of

if TYPE_CHECKING:
    from verify_service.models import Window
    from verify_service.policy import Policy

Answer = TypeVar("Answer")
AT_ONCE = 1.0
"""Seconds within which a connection has to break for a question to be asked again: so that an
answer that Redis is away comes in time."""

_OF_A_NUMBER = ("base", "logs", "lane", "number", "verification", "calls")
_OF_A_KEY = ("base",)
DECISIONS = {
    **dict.fromkeys(("reserve", "record", "check", "status", "cancel", "callback"), _OF_A_NUMBER),
    **dict.fromkeys(("claim", "release", "settle"), _OF_A_KEY),
    **dict.fromkeys(("breaker_admit", "breaker_report"), _OF_A_KEY),
}
"""Every decision, with the shared parts it is written in terms of."""


class Scripts:
    """The store's decisions, each one script, each one round trip."""

    def __init__(self, client: redis.Redis, policy: Policy) -> None:
        self._client = client
        self._policy = encode(policy)
        self._texts = {name: source(name) for name in DECISIONS}
        self._digests = {name: _sha1(text) for name, text in self._texts.items()}

    def run(self, name: str, keys: list[str], *args: str | int) -> list[Any]:
        """Run one decision; its header says what it takes and returns.

        Where the connection breaks, once more: the script may have run and only its reply be
        lost, so each of them is written so that a second run finds the first one's work.

        Raises:
            StoreUnavailable: Redis did not answer or cannot work; what was decided by then stands.
        """
        with translated():
            return once_more(lambda: self._evaluate(name, keys, self._policy, *args))

    def _evaluate(self, name: str, keys: list[str], *args: str | int) -> list[Any]:
        """Send the digest, and the text where the server does not have it (any more)."""
        try:
            reply = self._client.evalsha(self._digests[name], len(keys), *keys, *args)
        except redis.exceptions.NoScriptError:
            reply = self._client.eval(self._texts[name], len(keys), *keys, *args)
        return cast("list[Any]", reply)


def once_more(ask: Callable[[], Answer]) -> Answer:
    """Ask, and ask again if the connection breaks, which it may do before or after the work.

    A server that is late is not asked again: it would wait for twice as long, and have twice as
    much to do when it wakes. Nor is any after a long wait, in the line for a connection say.
    """
    began = time.monotonic()
    try:
        return ask()
    except redis.ConnectionError as error:
        state = type(error) is not redis.ConnectionError  # its subclasses are states of the server
        if state or time.monotonic() - began > AT_ONCE:
            raise
    return ask()


def _sha1(text: str) -> str:
    """Return the name under which the server keeps a script."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@contextmanager
def translated() -> Iterator[None]:
    """Turn what a client raises into StoreUnavailable, but for bugs of our own."""
    try:
        yield
    except redis.RedisError as error:
        if _is_bug(error):
            raise
        raise _unavailable(error) from error


def _unavailable(error: redis.RedisError) -> StoreUnavailable:
    """Name what happened; quote the client's own words, never the server's.

    A server's error may repeat a command's arguments, the number among them. Some of redis-py's
    classes for those (loading, wrong password) are subclasses of its ConnectionError.
    """
    name = type(error).__name__
    own_words = type(error) in (redis.ConnectionError, redis.TimeoutError)
    return StoreUnavailable(f"{name}: {error}" if own_words else name, state_of(error))


def _is_bug(error: redis.RedisError) -> bool:
    """Whether we went wrong, not the server: its states start with a word in capitals."""
    if type(error) is redis.ResponseError:  # its subclasses are states of the server
        return not str(error).partition(" ")[0].isupper()
    return isinstance(error, redis.DataError)


def source(name: str) -> str:
    """Return a decision's Lua text with the shared parts in front."""
    folder = files("verify_service.store") / "lua"
    parts = (*DECISIONS[name], name)
    return "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in parts)


def encode(policy: Policy) -> str:
    """Return the policy as the scripts read it: JSON, durations in milliseconds."""
    windows = (*policy.starts, *policy.failures)
    # What the number's key has to outlive: the longest thing any field of it is asked for.
    longest = max(
        names.DAY,
        policy.code_ttl + names.READABLE_SECONDS,
        *policy.cooldowns,
        *(window.seconds for window in windows),
    )
    most = max(*(window.count for window in windows), len(policy.cooldowns))
    return json.dumps(
        {
            "cooldowns": [_milliseconds(pause) for pause in policy.cooldowns],
            "starts": _windows(policy.starts),
            "failures": _windows(policy.failures),
            "lock": policy.lock_after,
            "lock_for": _milliseconds(names.LOCK_SECONDS),
            "devices": names.KNOWN_DEVICES,
            "known_for": _milliseconds(names.KNOWN_SECONDS),
            "waivers": names.WAIVERS_PER_DAY,
            "day": _milliseconds(names.DAY),
            "deadline": _milliseconds(policy.deadline),
            "in_flight": _milliseconds(policy.deadline + names.IN_FLIGHT_SLACK),
            "claiming": _milliseconds(names.CLAIMING_SECONDS),
            "ttl": _milliseconds(policy.code_ttl),
            "checks": policy.max_checks,
            "readable": _milliseconds(names.READABLE_SECONDS),
            "waiting": names.WAITING_CALLBACKS,
            "waiting_for": _milliseconds(names.WAITING_SECONDS),
            "horizon": _milliseconds(longest),
            "kept": max(most, names.WAIVERS_PER_DAY, names.WAITING_CALLBACKS + 1),
        },
        separators=(",", ":"),
    )


def _windows(windows: tuple[Window, ...]) -> list[list[int]]:
    return [[window.count, _milliseconds(window.seconds)] for window in windows]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
