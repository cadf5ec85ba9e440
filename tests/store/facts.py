"""The facts of one number's calls: statuses and figures, written out from the contract.

Times are in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000
LOCKED_FOR, WAITING_MS, KEPT, REFUNDS_PER_DAY = 90 * DAY, 600 * SECOND, 5, 3
FAILED_READABLE, GIVEN_BACK = 600 * SECOND, ((5, 600 * SECOND), (20, DAY))
DELIVERED = ("ANSWERED", "TERMINATED", "BUSY_HERE")
REFUNDING = ("REJECTED", "UNAVAILABLE")
STATUSES = (*DELIVERED, *REFUNDING, "FORBIDDEN")


@dataclass(frozen=True)
class Report:
    """The content of a callback, and when it was received."""

    request: str
    status: str
    stamp: int
    came: int

    def changes(self, known: Report | None) -> bool:
        """Newer wins, the same status changes nothing, delivered does not become undelivered."""
        if known is None:
            return True
        news = self.stamp > known.stamp and self.status != known.status
        return news and (self.status in DELIVERED or known.status not in DELIVERED)


@dataclass(frozen=True)
class Life:
    """One verification and its call. ``ends`` is when it can no longer be read."""

    created: int
    expires: int
    ends: int
    left: int
    state: str = "pending"
    call: str = "placing"
    request: str = ""
    report: Report | None = None
    counts: bool = True
    refunded: bool = False
    verdicts: tuple[tuple[str, str], ...] = ()
