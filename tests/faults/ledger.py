"""Every request of a load, its outcome, and whether all of them agree."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

GUESSES = 3
"""Guesses that are compared per verification."""


@dataclass(frozen=True)
class Sent:
    """One request on the wire. ``status`` is 0 without an answer."""

    kind: str
    at: float
    done: float
    status: int


@dataclass(frozen=True)
class Start:
    """The final outcome of a start. ``at`` is the time of its first request."""

    at: float
    done: float
    status: int
    answer: dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """The answer to one guess, by its Idempotency-Key."""

    key: str
    verified: bool
    left: int | None
    done: float


@dataclass
class Ledger:
    """The observations of one load's clients."""

    sent: list[Sent] = field(default_factory=list)
    starts: dict[str, Start] = field(default_factory=dict)
    """By number."""
    verdicts: dict[str, list[Verdict]] = field(default_factory=lambda: defaultdict(list))
    """By number, in the order of the guesses."""
    finished: int = 0
    given_up: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wrote(self, sent: Sent) -> None:
        with self.lock:
            self.sent.append(sent)

    def judged(self, number: str, verdict: Verdict) -> None:
        with self.lock:
            self.verdicts[number].append(verdict)

    @property
    def started(self) -> dict[str, Start]:
        """Return the starts that were answered with 201."""
        return {number: one for number, one in self.starts.items() if one.status == 201}

    @property
    def verified(self) -> set[str]:
        return {n for n, guesses in self.verdicts.items() if any(one.verified for one in guesses)}

    def compared(self, number: str) -> int:
        """Return how many guesses must have been compared: one after another, until the end."""
        guesses = self.verdicts.get(number, [])
        right = next((at for at, one in enumerate(guesses, 1) if one.verified), len(guesses))
        return min(GUESSES, right)

    def was_active(self, number: str, since: float, until: float) -> bool:
        """Return whether a login received an answer in this period, or was waiting for one."""
        started = self.starts[number]
        last = max([started.done, *(one.done for one in self.verdicts.get(number, ()))])
        return started.at <= until and last >= since

    def done_since(self, moment: float, kind: str = "") -> list[Sent]:
        """Return the requests that were sent after a moment and are finished."""
        return [one for one in tuple(self.sent) if one.at >= moment and kind in ("", one.kind)]

    def count(self, *statuses: int) -> int:
        return sum(one.status in statuses for one in self.sent)

    @property
    def statuses(self) -> Counter[int]:
        return Counter(one.status for one in self.sent)

    @property
    def answered(self) -> int:
        return len(self.sent) - self.count(0, 503)

    def accepted_twice(self) -> int:
        """Return how many codes were right for two guesses that are not repeats of each other."""
        return sum(
            max(0, len({one.key for one in guesses if one.verified}) - 1)
            for guesses in self.verdicts.values()
        )

    def guesses_over(self) -> int:
        """Return how many wrong guesses exceed the limit, by the checks left that were returned."""
        over = 0
        for guesses in self.verdicts.values():
            left = {one.key for one in guesses if not one.verified and one.left}
            over += max(0, len(left) - (GUESSES - 1))
        return over

    def recovery(self, since: float, kind: str) -> float:
        """Return the seconds from a moment to the first success among the later requests."""
        good = [one.done for one in self.done_since(since, kind) if one.status in (200, 201)]
        return min(good, default=float("inf")) - since


@dataclass(frozen=True)
class Row:
    """A line of the table that is printed at the end."""

    fault: str
    sent: int
    answered: int
    refused: int
    lost: int
    calls: int
    double: int
    twice: int
    over: int
    seconds: float

    HEAD = ("fault", "sent", "answered", "503", "no answer", "calls", "double calls")
    HEAD += ("codes twice", "guesses over", "s to recover")

    @property
    def cells(self) -> tuple[str, ...]:
        numbers = (self.sent, self.answered, self.refused, self.lost, self.calls)
        more = (self.double, self.twice, self.over)
        return (self.fault, *map(str, numbers), *map(str, more), f"{self.seconds:.1f}")
