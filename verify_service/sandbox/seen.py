"""What a test gets to see of a simulator, and what it is told where there is nothing to see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

LISTED = 10
"""Calls that a message names, the newest."""


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback that was sent, or could not be.

    timestamp: unixtime, as in its body. http_status: the receiver's answer; None where there was
    none, and then `error` is the class name of what went wrong.
    """

    status: str
    timestamp: int
    http_status: int | None
    error: str | None
    cursor: int

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """As the simulator tells it."""
        return cls(
            told["status"], told["timestamp"], told["httpStatus"], told["error"], told["cursor"]
        )


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was asked for, as it stood when it was read.

    code: the four digits that were to ring. caller: the number that rang, which ends in them.
    request_id, caller: None where the call was refused. timeout: milliseconds.
    placed_at: unixtime with a fraction. outcome: its name in the simulator's table, or `scripted`.
    """

    number: str | None
    code: str | None
    caller: str | None
    request_id: str | int | None
    timeout: int | None
    placed_at: float
    outcome: str
    callbacks: tuple[Callback, ...]
    cursor: int

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """As the simulator tells it."""
        return cls(
            told["number"],
            told["code"],
            told["from"],
            told["requestId"],
            told["timeout"],
            told["placedAt"],
            told["outcome"],
            tuple(Callback.from_json(each) for each in told["callbacks"]),
            told["cursor"],
        )

    def __str__(self) -> str:
        statuses = ", ".join(callback.status for callback in self.callbacks)
        return f"{self.number} ({self.outcome}; callbacks: {statuses or 'none'})"


class SandboxError(Exception):
    """What a test wanted of the simulator cannot be had. The message says what to do."""


class Unreachable(SandboxError):
    """No simulator answers at this address."""

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(
            f"no simulator answers at {url} ({problem}); "
            "start one: python -m verify_service.sandbox"
        )


class Refused(SandboxError):
    """The request is not one that the simulator takes; the message says what is allowed."""


class NothingCame(SandboxError):
    """There is no such call or callback; the message says which ones there are."""


def listed(calls: Sequence[Call]) -> str:
    """The newest calls in words."""
    if not calls:
        return "none"
    earlier = len(calls) - LISTED
    before = f"{earlier} earlier, " if earlier > 0 else ""
    return before + ", ".join(map(str, calls[-LISTED:]))
