"""Every request of a load, what became of it, and whether all of it adds up."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

GUESSES = 3
"""Guesses that are compared per verification."""


@dataclass(frozen=True)
class Sent:
    """One request over the wire. ``status`` is 0 where no answer came."""

    kind: str
    at: float
    done: float
    status: int


@dataclass(frozen=True)
class Verdict:
    """The answer to one guess, by its Idempotency-Key."""

    key: str
    verified: bool
    left: int | None


@dataclass
class Ledger:
    """What the clients of one load saw."""

    sent: list[Sent] = field(default_factory=list)
    started: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By number: the answer of each start that was answered with 201."""
    verdicts: dict[str, list[Verdict]] = field(default_factory=lambda: defaultdict(list))
    finished: int = 0
    given_up: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wrote(self, sent: Sent) -> None:
        with self.lock:
            self.sent.append(sent)

    def judged(self, verification_id: str, verdict: Verdict) -> None:
        with self.lock:
            self.verdicts[verification_id].append(verdict)

    def count(self, *statuses: int) -> int:
        return sum(one.status in statuses for one in self.sent)

    @property
    def statuses(self) -> Counter[int]:
        return Counter(one.status for one in self.sent)

    @property
    def answered(self) -> int:
        return len(self.sent) - self.count(0, 503)

    def accepted_twice(self) -> int:
        """Codes that were right for two guesses that are not each other's repeats."""
        return sum(
            max(0, len({one.key for one in guesses if one.verified}) - 1)
            for guesses in self.verdicts.values()
        )

    def guesses_over(self) -> int:
        """Wrong guesses after which there was one left more often than the limit allows."""
        over = 0
        for guesses in self.verdicts.values():
            left = {one.key for one in guesses if not one.verified and one.left}
            over += max(0, len(left) - (GUESSES - 1))
        return over

    def recovery(self, since: float, kind: str) -> float:
        """Seconds from a moment to the first good answer to what was sent after it."""
        good = [
            one.done
            for one in self.sent
            if one.at >= since and one.kind == kind and one.status in (200, 201)
        ]
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
