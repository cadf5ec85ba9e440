"""Loads each Lua file once, prepares the one argument all scripts share, and runs them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

import redis
from redis.exceptions import NoScriptError, ReadOnlyError

from verify_service import policy as names
from verify_service.errors import StoreUnavailable
from verify_service.guards import limits
from verify_service.store.states import state_of

if TYPE_CHECKING:
    from verify_service.guards.limits import Conversion, Tolerance, WidePolicy
    from verify_service.models import Window
    from verify_service.policy import Policy

Answer = TypeVar("Answer")
AT_ONCE = 1.0
"""Seconds within which a connection has to break for a question to be asked again: so that an
answer that Redis is away comes in time."""

_OF_A_NUMBER = ("base", "logs", "lane", "number", "verification", "calls")
_OF_A_KEY = ("base",)
_OF_ALL_NUMBERS = ("base", "buckets", "windows", "rules", "conversion")
_RESERVING = (*_OF_A_NUMBER, "reservation")
_TAKING = ("buckets", "windows", "rules", "conversion", "gate", "wide")
DECISIONS = {
    "start": (*_RESERVING, *_TAKING),
    **dict.fromkeys(("ask", "reserve"), _RESERVING),
    "take": ("base", *_TAKING),
    **dict.fromkeys(("record", "check", "status", "cancel", "callback"), _OF_A_NUMBER),
    **dict.fromkeys(("look", "unlock"), _OF_A_NUMBER),
    **dict.fromkeys(("claim", "release", "settle"), _OF_A_KEY),
    "breaker_report": ("base", "gate"),
    **dict.fromkeys(("give", "tally", "rule", "held"), _OF_ALL_NUMBERS),
}
"""Every decision, with the shared parts it is written in terms of."""


@dataclass(frozen=True, slots=True)
class Command:
    """One decision about to be asked for.

    Attributes:
        repeatable: Whether it may travel again beside what is asked once more: a second run finds
            the first one's work.
    """

    name: str
    keys: Sequence[str]
    args: Sequence[str | int]
    repeatable: bool = False


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

    def command(
        self, name: str, keys: Sequence[str], *args: str | int, repeatable: bool = False
    ) -> Command:
        """Return one decision to be sent; its header says what it takes and returns."""
        return Command(name, keys, [self._policy, *args], repeatable)

    def run(self, name: str, keys: Sequence[str], *args: str | int) -> list[Any]:
        """Run one decision, in one round trip.

        Where the connection breaks, once more: the script may have run and only its reply be
        lost, so each of them is written so that a second run finds the first one's work.

        Raises:
            StoreUnavailable: Redis did not answer or cannot work; what was decided by then stands.
        """
        (reply,) = self.send(self.command(name, keys, *args))
        return reply

    def run_once(self, command: Command) -> list[Any]:
        """Run one decision that a second run would change, whatever becomes of its reply.

        Raises:
            StoreUnavailable: As :meth:`run`.
        """
        with translated():
            (reply,) = self._evaluate([command])
            if isinstance(reply, Exception):
                raise reply
            answer: list[Any] = reply
            return answer

    def send(self, *commands: Command, besides: Sequence[Command] = ()) -> list[list[Any]]:
        """Run decisions that may live in different slots, in one round trip and in this order.

        None of them waits for another: each decides for itself. The replies of ``besides`` come
        first, then those of ``commands``.

        Args:
            commands: What is asked for; where the connection breaks, as :meth:`run`.
            besides: What travels with it, ahead, so that what is decided knows it. It is sent once,
                or again with ``commands`` where it is repeatable. Its reply is empty where it
                fails: that is no failure of what was asked for.

        Raises:
            StoreUnavailable: As :meth:`run`.
        """
        ahead = dict(enumerate(besides))
        told: list[list[Any]] = [[] for _ in besides]

        def ask() -> list[list[Any]]:
            first = ahead.copy()
            for at, one in first.items():
                if not one.repeatable:
                    del ahead[at]
            replies = self._evaluate([*first.values(), *commands])
            for at, reply in zip(first, replies, strict=False):
                told[at] = [] if isinstance(reply, Exception) else reply
            asked = replies[len(first) :]
            for reply in asked:
                if isinstance(reply, Exception):
                    raise reply
            return [*told, *asked]

        with translated():
            return once_more(ask) if commands else ask()

    def _evaluate(self, commands: Sequence[Command]) -> list[Any]:
        """Send the digests, and the text where the server does not have it (any more).

        What the server will not do is a reply as well: each is its own command's alone.
        """
        replies = self._replies("evalsha", self._digests, commands)
        lost = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if lost:
            again = self._replies("eval", self._texts, [commands[at] for at in lost])
            for at, reply in zip(lost, again, strict=True):
                replies[at] = reply
        return replies

    def _replies(self, word: str, forms: dict[str, str], commands: Sequence[Command]) -> list[Any]:
        whole = [(forms[one.name], len(one.keys), *one.keys, *one.args) for one in commands]
        if len(whole) == 1:
            try:
                return [getattr(self._client, word)(*whole[0])]
            except redis.ResponseError as error:
                return [error]
        pipeline = self._client.pipeline(transaction=False)
        for words in whole:
            getattr(pipeline, word)(*words)
        return list(pipeline.execute(raise_on_error=False))


def once_more(ask: Callable[[], Answer]) -> Answer:
    """Ask, and ask again if the connection breaks, which it may do before or after the work.

    Nor is a server that has become read-only the right one any more: who connects anew may find
    another behind the same name.
    A server that is late is not asked again: it would wait for twice as long, and have twice as
    much to do when it wakes. Nor is any after a long wait, in the line for a connection say.
    """
    began = time.monotonic()
    try:
        return ask()
    except (redis.ConnectionError, ReadOnlyError) as error:
        # The other subclasses of ConnectionError are states of the server.
        broke_off = type(error) in (redis.ConnectionError, ReadOnlyError)
        if not broke_off or time.monotonic() - began > AT_ONCE:
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


@cache
def source(name: str) -> str:
    """Return a decision's Lua text with the shared parts in front.

    Read once: a process has several :class:`Scripts`, one for each policy and whoever asks.
    """
    folder = files("verify_service.store") / "lua"
    parts = (*DECISIONS[name], name)
    return "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in parts)


def encode(policy: Policy) -> str:
    """Return the policy of a number as its scripts read it: JSON, durations in milliseconds."""
    return _json(_of_a_number(policy))


def encode_wide(policy: WidePolicy) -> str:
    """Return the policy of the wide limits as their scripts read it."""
    return _json(_of_all_numbers(policy))


def encode_both(policy: Policy, wide: WidePolicy) -> str:
    """Return both, as a script reads them that decides for both."""
    own, others = _of_a_number(policy), _of_all_numbers(wide)
    return _json(own | others | {"dry": own["dry"] | others["dry"]})


def _json(policy: dict[str, Any]) -> str:
    return json.dumps(policy, separators=(",", ":"))


def _of_a_number(policy: Policy) -> dict[str, Any]:
    windows = (*policy.starts, *policy.failures)
    # What the number's key has to outlive: the longest thing any field of it is asked for.
    longest = max(
        names.DAY,
        policy.code_ttl + names.READABLE_SECONDS,
        *policy.cooldowns,
        *(window.seconds for window in windows),
    )
    most = max(*(window.count for window in windows), len(policy.cooldowns))
    return {
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
    }


def _of_all_numbers(policy: WidePolicy) -> dict[str, Any]:
    breaker = {"breaker": _breaker(policy.breaker)} if policy.breaker else {}
    return {
        "windows": {name: _windows(policy.windows(name)) for name in (*limits.WIDE, limits.KNOWN)},
        "dry": dict.fromkeys(sorted(policy.dry_run), True),
        "settled": _milliseconds(policy.code_ttl),
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
        **breaker,
    }


def _conversion(limit: Conversion) -> dict[str, Any]:
    return {"least": limit.least, "share": limit.share, "blocks": limit.blocks}


def _breaker(tolerance: Tolerance) -> dict[str, int]:
    return {
        "failures": tolerance.failures,
        "pause": _milliseconds(tolerance.pause),
        "longest": _milliseconds(limits.LONGEST_PAUSE),
        "probing": _milliseconds(tolerance.probing),
        "remembered": _milliseconds(limits.FAILURES_REMEMBERED),
        "reported": _milliseconds(limits.REPORT_REMEMBERED),
    }


def _windows(windows: tuple[Window, ...]) -> list[list[int]]:
    return [[window.count, _milliseconds(window.seconds)] for window in windows]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
