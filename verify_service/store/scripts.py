"""Loads each Lua file once, prepares the one argument all scripts share, and runs them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

import redis
from redis.exceptions import NoScriptError

from verify_service import policy as names
from verify_service.errors import StoreUnavailable
from verify_service.guards import limits
from verify_service.store.states import state_of

if TYPE_CHECKING:
    from verify_service.guards.limits import Conversion, WidePolicy
    from verify_service.models import Window
    from verify_service.policy import Policy

Answer = TypeVar("Answer")
AT_ONCE = 1.0
"""Seconds within which a connection has to break for a question to be asked again: so that an
answer that Redis is away comes in time."""

_OF_A_NUMBER = ("base", "logs", "lane", "number", "verification", "calls")
_OF_A_KEY = ("base",)
_OF_ALL_NUMBERS = ("base", "buckets", "windows", "rules", "conversion")
DECISIONS = {
    **dict.fromkeys(
        ("reserve", "undo", "record", "check", "status", "cancel", "callback"), _OF_A_NUMBER
    ),
    **dict.fromkeys(("look", "unlock"), _OF_A_NUMBER),
    **dict.fromkeys(("claim", "release", "settle"), _OF_A_KEY),
    **dict.fromkeys(("breaker_admit", "breaker_report"), _OF_A_KEY),
    **dict.fromkeys(("take", "give", "tally", "rule", "held"), _OF_ALL_NUMBERS),
}
"""Every decision, with the shared parts it is written in terms of."""


@dataclass(frozen=True, slots=True)
class Command:
    """One decision about to be asked for."""

    name: str
    keys: Sequence[str]
    args: Sequence[str | int]


class Scripts:
    """The store's decisions, each one script.

    Args:
        client: Where they run.
        policy: What all of them are told, in JSON.
    """

    def __init__(self, client: redis.Redis, policy: str) -> None:
        self._client = client
        self._policy = policy
        self._texts = {name: source(name) for name in DECISIONS}
        self._digests = {name: _sha1(text) for name, text in self._texts.items()}

    def command(self, name: str, keys: Sequence[str], *args: str | int) -> Command:
        """Return one decision to be sent; its header says what it takes and returns."""
        return Command(name, keys, [self._policy, *args])

    def run(self, name: str, keys: Sequence[str], *args: str | int) -> list[Any]:
        """Run one decision, in one round trip.

        Where the connection breaks, once more: the script may have run and only its reply be
        lost, so each of them is written so that a second run finds the first one's work.

        Raises:
            StoreUnavailable: Redis did not answer or cannot work; what was decided by then stands.
        """
        (reply,) = self.send(self.command(name, keys, *args))
        return reply

    def send(self, *commands: Command, besides: Sequence[Command] = ()) -> list[list[Any]]:
        """Run decisions as :meth:`each` does, all of ``commands`` or none of them answered.

        Returns:
            The replies of ``besides``, empty where one failed, and then those of ``commands``.

        Raises:
            StoreUnavailable: One of ``commands`` failed; what the others decided stands.
        """
        replies = self.each(*commands, besides=besides)
        for reply in replies[len(besides) :]:
            if isinstance(reply, Exception):
                raise reply
        return [[] if isinstance(reply, Exception) else reply for reply in replies]

    def each(
        self, *commands: Command, besides: Sequence[Command] = ()
    ) -> list[list[Any] | Exception]:
        """Run decisions that may live in different slots, and say of each what came of it.

        On a server they are one round trip, in this order; on a Cluster one each, one after the
        other. None of them waits for another: each decides for itself, and may fail by itself.

        Args:
            commands: What is asked for; one whose connection breaks is asked once more.
            besides: What travels with it, ahead, so that what is decided knows it. Sent once.

        Returns:
            The replies of ``besides`` and ``commands``, in this order. In the place of one that
            failed its error: StoreUnavailable, or redis-py's own where it is a bug of ours.
        """
        whole = [*besides, *commands]
        began = time.monotonic()
        replies = self._evaluate(whole)
        again = [at for at in range(len(besides), len(whole)) if _broke_off(replies[at])]
        if again and time.monotonic() - began <= AT_ONCE:
            answers = self._evaluate([whole[at] for at in again])
            for at, reply in zip(again, answers, strict=True):
                replies[at] = reply
        return [_explained(one) if isinstance(one, redis.RedisError) else one for one in replies]

    def _evaluate(self, commands: Sequence[Command]) -> list[Any]:
        """Send the digests, and the text where the server does not have it (any more)."""
        replies = self._replies("evalsha", self._digests, commands)
        lost = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if lost:
            again = self._replies("eval", self._texts, [commands[at] for at in lost])
            for at, reply in zip(lost, again, strict=True):
                replies[at] = reply
        return replies

    def _replies(self, word: str, forms: dict[str, str], commands: Sequence[Command]) -> list[Any]:
        """Send them once; where an exchange fails, its error is the reply to all in it."""
        whole = [(forms[one.name], len(one.keys), *one.keys, *one.args) for one in commands]
        try:
            if len(whole) == 1:
                return [getattr(self._client, word)(*whole[0])]
            pipeline = self._client.pipeline(transaction=False)
            for words in whole:
                getattr(pipeline, word)(*words)
            return list(pipeline.execute(raise_on_error=False))
        except redis.RedisError as error:
            return [error] * len(whole)


def once_more(ask: Callable[[], Answer]) -> Answer:
    """Ask, and ask again if the connection breaks, which it may do before or after the work.

    A server that is late is not asked again: it would wait for twice as long, and have twice as
    much to do when it wakes. Nor is any after a long wait, in the line for a connection say.
    """
    began = time.monotonic()
    try:
        return ask()
    except redis.ConnectionError as error:
        if not _broke_off(error) or time.monotonic() - began > AT_ONCE:
            raise
    return ask()


def _broke_off(reply: object) -> bool:
    """Whether a connection broke, and that is all: the subclasses are states of the server."""
    return type(reply) is redis.ConnectionError


def _explained(error: redis.RedisError) -> Exception:
    """Return what :func:`translated` would raise."""
    try:
        with translated():
            raise error
    except (StoreUnavailable, redis.RedisError) as explained:
        return explained


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
            "dry": dict.fromkeys(sorted(policy.dry_run), True),
        },
        separators=(",", ":"),
    )


def encode_wide(policy: WidePolicy) -> str:
    """Return the policy of the wide limits as their scripts read it."""
    return json.dumps(
        {
            "windows": {
                name: _windows(policy.windows(name)) for name in (*limits.WIDE, limits.KNOWN)
            },
            "dry": dict.fromkeys(sorted(policy.dry_run), True),
            "ttl": _milliseconds(policy.code_ttl),
            "ticket": _milliseconds(limits.AT_WORK),
            "prefix": _conversion(policy.conversion_prefix),
            "country": _conversion(policy.conversion_country),
            "conversion_span": _milliseconds(limits.CONVERSION_SPAN),
            "first_block": _milliseconds(limits.FIRST_BLOCK),
            "longest_block": _milliseconds(limits.LONGEST_BLOCK),
            "remembered": _milliseconds(limits.BLOCK_REMEMBERED),
            "alarm_pause": _milliseconds(limits.ALARM_PAUSE),
            "wrong": {
                "least": limits.WRONG_GUESSES,
                "share": limits.WRONG_SHARE,
                "span": _milliseconds(limits.HOUR),
            },
        },
        separators=(",", ":"),
    )


def _conversion(limit: Conversion) -> dict[str, Any]:
    return {"least": limit.least, "share": limit.share, "blocks": limit.blocks}


def _windows(windows: tuple[Window, ...]) -> list[list[int]]:
    return [[window.count, _milliseconds(window.seconds)] for window in windows]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
