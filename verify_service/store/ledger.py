"""What checks came to, kept until this process speaks with Redis next.

A check is one round trip to its number's slot, and the guards count in another. So what they have
to learn travels with whatever the process asks next: with anything on a server, with a start or a
look at readiness on a Cluster, where it is an exchange of its own. That is soon enough: nobody asks
what became of a start before its code has expired. What is left at the end of the process is told
then (``Context.close``); only one that is killed takes it along.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

MOST_PLACES = 1_000
"""Bounds the memory while Redis is away: what comes after is forgotten."""


@dataclass
class News:
    """Since the last time: guesses, and approvals by place and moment of the start."""

    wrong: int = 0
    right: int = 0
    approvals: Counter[tuple[str, int]] = field(default_factory=Counter)


class Ledger:
    """Collects from all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._news = News()

    def wrong(self) -> None:
        """Note a wrong guess."""
        with self._lock:
            self._news.wrong += 1

    def right(self, places: tuple[str, ...], started: int) -> None:
        """Note an approval: in which places its start counts, and of which moment it was."""
        with self._lock:
            self._news.right += 1
            if len(self._news.approvals) < MOST_PLACES:
                self._news.approvals.update((place, started) for place in places)

    def collect(self) -> News | None:
        """Return what is new, once; None where nothing is."""
        with self._lock:
            news, self._news = self._news, News()
        return news if news.wrong or news.right else None
