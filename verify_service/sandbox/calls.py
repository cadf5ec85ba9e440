"""The list of calls: every request, refused ones included, with the callbacks of each call."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from threading import Condition
from typing import Any, NamedTuple, Self

from verify_service.sandbox.vocabulary import digits

CALLS_KEPT = 10_000

# Field -> its name in JSON, where they differ.
_JSON_NAMES = {
    "caller": "from",
    "http_status": "httpStatus",
    "placed_at": "placedAt",
    "request_id": "requestId",
}


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback that was sent, or failed.

    Attributes:
        timestamp: Unix time in seconds, as in the body, without its fraction; 0 for a text that is
            no number.
        http_status: The receiver's answer; None where there was none.
        error: Then the class name of the error.
        cursor: Its position among all calls and callbacks.
    """

    status: str
    timestamp: int
    http_status: int | None
    error: str | None
    cursor: int = 0

    def as_json(self) -> dict[str, Any]:
        return _to_json(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(**_from_json(cls, body))


@dataclass(frozen=True, slots=True)
class Call:
    """A request to call. Never contains the token.

    Attributes:
        request_id: None where the call was refused.
        code: The four digits that rang.
        caller: The number that rang, which ends in them; None where the call was refused.
        timeout: Milliseconds.
        placed_at: Unix time in seconds, with a fraction.
        outcome: Its name in the table, `phone`, or `scripted`.
        cursor: Its position among all calls and callbacks.
    """

    request_id: str | int | None
    number: str | None
    code: str | None
    caller: str | None
    timeout: int | None
    placed_at: float
    outcome: str
    cursor: int = 0
    callbacks: list[Callback] = field(default_factory=list, hash=False)

    @property
    def digits(self) -> str:
        """The digits of the number."""
        return digits(self.number or "")

    def as_json(self) -> dict[str, Any]:
        return _to_json(self) | {"callbacks": [each.as_json() for each in self.callbacks]}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        callbacks = [Callback.from_json(each) for each in body["callbacks"]]
        return cls(**_from_json(cls, body) | {"callbacks": callbacks})

    def __str__(self) -> str:
        statuses = ", ".join(callback.status for callback in self.callbacks)
        return f"{self.number} ({self.outcome}; callbacks: {statuses or 'none'})"


def _to_json(record: Call | Callback) -> dict[str, Any]:
    names = [each.name for each in fields(record)]
    return {_JSON_NAMES.get(name, name): getattr(record, name) for name in names}


def _from_json(kind: type[Call | Callback], body: Mapping[str, Any]) -> dict[str, Any]:
    return {each.name: body[_JSON_NAMES.get(each.name, each.name)] for each in fields(kind)}


class Query(NamedTuple):
    """A selection of calls.

    Attributes:
        number: Calls to this number, in any spelling. None: to every number.
        after: A cursor; only later calls.
        callbacks: Whether `after` compares the callbacks of a call, not the call itself.
    """

    number: str | None = None
    after: int = 0
    callbacks: bool = False

    def selects(self, call: Call) -> bool:
        """Return whether the call belongs to the selection."""
        if self.number is not None and call.digits != digits(self.number):
            return False
        cursors = [each.cursor for each in call.callbacks] if self.callbacks else [call.cursor]
        return any(cursor > self.after for cursor in cursors)


class CallLog:
    """The last 10,000 requests, oldest first. Thread-safe.

    Each call and each callback gets the next cursor. Cursors only grow, also after a reset, so a
    client that asks for everything after a cursor misses nothing and reads nothing twice.
    """

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._changed = Condition()
        self._cursor = 0
        self._version = 0
        self.closed = False

    def add(self, call: Call) -> Call:
        """Add a call; return it with its cursor."""
        with self._changed:
            call = replace(call, cursor=self._next_cursor())
            self._calls.append(call)
        return call

    def add_callback(self, call: Call, callback: Callback) -> Callback:
        """Add a callback to its call; return it with its cursor."""
        with self._changed:
            callback = replace(callback, cursor=self._next_cursor())
            call.callbacks.append(callback)
        return callback

    def _next_cursor(self) -> int:
        self._cursor += 1
        self._touch()
        return self._cursor

    def _touch(self) -> None:
        self._version += 1
        self._changed.notify_all()

    def touch(self) -> None:
        """Wake `watch`: something else about the calls has changed."""
        with self._changed:
            self._touch()

    def watch(self, version: int, wait: float) -> int:
        """Wait up to `wait` seconds for a version other than `version`; return the current one.

        Unlike a cursor, the version also changes when calls are removed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._version != version or self.closed, wait)
            return self._version

    def select(self, query: Query, wait: float = 0.0) -> tuple[list[dict[str, Any]], int]:
        """Return the selected calls and the current cursor.

        Where there are none, waits up to `wait` seconds for the first one.
        """
        until = time.monotonic() + wait
        with self._changed:
            while True:
                found = [call.as_json() for call in self._calls if query.selects(call)]
                left = until - time.monotonic()
                if found or left <= 0 or self.closed:
                    return found, self._cursor
                self._changed.wait(left)

    def find(self, name: str) -> Call | None:
        """Return the newest placed call with this requestId, else the newest to this number."""
        placed = self._newest_first(lambda call: call.request_id is not None)
        by_id = (call for call in placed if str(call.request_id) == name)
        by_number = (call for call in placed if call.digits == digits(name))
        return next(by_id, None) or next(by_number, None)

    def newest(self, count: int, number: str | None = None) -> list[Call]:
        """Return the newest calls that rang, of all numbers or of one, the newest first."""
        return self._newest_first(
            lambda call: call.caller is not None and number in {None, call.digits}, count
        )

    def _newest_first(self, selects: Callable[[Call], bool], count: int = CALLS_KEPT) -> list[Call]:
        with self._changed:
            return list(itertools.islice(filter(selects, reversed(self._calls)), count))

    def clear(self) -> int:
        """Remove all calls; return how many there were."""
        with self._changed:
            count = len(self._calls)
            self._calls.clear()
            self._touch()
        return count

    def close(self) -> None:
        """End all waiting, also waiting that begins later."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()
