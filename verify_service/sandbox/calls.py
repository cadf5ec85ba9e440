"""What happened: every request, refused ones included, and the callbacks each call had."""

import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Condition
from typing import Any, NamedTuple

from verify_service.sandbox.outcomes import digits

CALLS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback that was sent, or could not be.

    timestamp: unix seconds, as in its body.
    http_status: what the receiver answered; None where there was no answer.
    error: then the class name of what went wrong.
    cursor: its place among all that happened.
    """

    status: str
    timestamp: int
    http_status: int | None
    error: str | None
    cursor: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "timestamp": self.timestamp,
            "httpStatus": self.http_status,
            "error": self.error,
            "cursor": self.cursor,
        }


@dataclass(frozen=True, slots=True)
class Call:
    """One request to call. Never holds the token.

    request_id, caller: None where the call was refused.
    timeout: milliseconds. placed_at: unix seconds with a fraction.
    cursor: its place among all that happened.
    """

    request_id: str | int | None
    number: str | None
    code: str | None
    caller: str | None
    timeout: int | None
    placed_at: float
    outcome: str
    callbacks: list[Callback] = field(default_factory=list)
    cursor: int = 0

    @property
    def digits(self) -> str:
        """The number without its spelling."""
        return digits(self.number or "")

    def as_json(self) -> dict[str, Any]:
        return {
            "requestId": self.request_id,
            "number": self.number,
            "code": self.code,
            "from": self.caller,
            "timeout": self.timeout,
            "placedAt": self.placed_at,
            "outcome": self.outcome,
            "cursor": self.cursor,
            "callbacks": [callback.as_json() for callback in self.callbacks],
        }


class Query(NamedTuple):
    """Which calls are meant.

    number: in any spelling; None: every number.
    after: a cursor; only what happened after it counts.
    callbacks: whether what counts is that a callback of the call was sent.
    """

    number: str | None = None
    after: int = 0
    callbacks: bool = False


class CallLog:
    """The last 10,000 requests, oldest first. Safe to use from several threads.

    Whatever happens gets the next cursor, a number that only grows, also over a reset: who asks
    for what came after a cursor misses nothing and sees nothing twice.
    """

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._changed = Condition()
        self._cursor = 0
        self._version = 0
        self._closed = False

    def add(self, call: Call) -> Call:
        """Remember a call; return it with its cursor."""
        with self._changed:
            call = replace(call, cursor=self._next())
            self._calls.append(call)
        return call

    def add_callback(self, call: Call, callback: Callback) -> Callback:
        """Remember what came of a callback; return it with its cursor."""
        with self._changed:
            callback = replace(callback, cursor=self._next())
            call.callbacks.append(callback)
        return callback

    def _next(self) -> int:
        self._cursor += 1
        self._touch()
        return self._cursor

    def _touch(self) -> None:
        self._version += 1
        self._changed.notify_all()

    def touch(self) -> None:
        """Have whoever watches look again: something else about the calls is new."""
        with self._changed:
            self._touch()

    def watch(self, version: int, wait: float) -> int:
        """The version of now, as soon as it is not `version`; after `wait` seconds in any case.

        Unlike a cursor it also changes when calls are forgotten.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._version != version or self._closed, wait)
            return self._version

    @property
    def closed(self) -> bool:
        """Whether all waiting has been ended."""
        return self._closed

    def select(self, query: Query, wait: float = 0.0) -> tuple[list[dict[str, Any]], int]:
        """The calls that are meant, and the cursor of now.

        Where there is none yet, waits up to `wait` seconds for one.
        """
        until, meant = time.monotonic() + wait, _meant(query)
        with self._changed:
            while True:
                found = [call.as_json() for call in self._calls if meant(call)]
                left = until - time.monotonic()
                if found or left <= 0 or self._closed:
                    return found, self._cursor
                self._changed.wait(left)

    def find(self, name: str) -> Call | None:
        """The newest placed call with this requestId or, where none has it, to this number."""
        with self._changed:
            placed = [call for call in reversed(self._calls) if call.request_id is not None]
        by_id = (call for call in placed if str(call.request_id) == name)
        by_number = (call for call in placed if call.digits == digits(name))
        return next(by_id, None) or next(by_number, None)

    def newest(self, count: int, number: str | None = None) -> list[Call]:
        """The newest placed calls, or those to a number (its digits), the newest first."""
        with self._changed:
            placed = (call for call in reversed(self._calls) if call.caller is not None)
            meant = (call for call in placed if number in {None, call.digits})
            return list(itertools.islice(meant, count))

    def forget(self) -> int:
        """Empties the log and returns how many calls it held."""
        with self._changed:
            count = len(self._calls)
            self._calls.clear()
            self._touch()
        return count

    def close(self) -> None:
        """End all waiting, now and from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _meant(query: Query) -> Callable[[Call], bool]:
    number = None if query.number is None else digits(query.number)

    def meant(call: Call) -> bool:
        if number is not None and call.digits != number:
            return False
        happened = [each.cursor for each in call.callbacks] if query.callbacks else [call.cursor]
        return any(cursor > query.after for cursor in happened)

    return meant
