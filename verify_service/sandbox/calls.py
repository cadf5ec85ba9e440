"""What happened: every request, refused ones included, and the callbacks each call had."""

from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from verify_service.sandbox.outcomes import digits

CALLS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback that was sent, or could not be.

    timestamp: unix seconds, as in its body.
    http_status: what the receiver answered; None where there was no answer.
    error: then the class name of what went wrong.
    """

    status: str
    timestamp: int
    http_status: int | None
    error: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "timestamp": self.timestamp,
            "httpStatus": self.http_status,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Call:
    """One request to call. Never holds the token.

    request_id, caller: None where the call was refused.
    timeout: milliseconds. placed_at: unix seconds with a fraction.
    """

    request_id: str | None
    number: str | None
    code: str | None
    caller: str | None
    timeout: int | None
    placed_at: float
    outcome: str
    callbacks: list[Callback] = field(default_factory=list)

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
            "callbacks": [callback.as_json() for callback in self.callbacks],
        }


class CallLog:
    """The last 10,000 requests, oldest first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._lock = Lock()

    def add(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)

    def add_callback(self, call: Call, callback: Callback) -> None:
        with self._lock:
            call.callbacks.append(callback)

    def as_json(self, number: str | None) -> list[dict[str, Any]]:
        """All calls, or those to `number` in any spelling."""
        with self._lock:
            return [
                call.as_json()
                for call in self._calls
                if number is None or call.digits == digits(number)
            ]

    def forget(self) -> int:
        """Empties the log and returns how many calls it held."""
        with self._lock:
            count = len(self._calls)
            self._calls.clear()
        return count
