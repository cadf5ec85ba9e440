"""What can be known of one number's calls. The table of statuses and every figure is written out
here, from the contract; moments are in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000
LOCKED_FOR, WAITING_MS, KEPT, REFUNDS_PER_DAY = 90 * DAY, 600 * SECOND, 5, 3
DELIVERED = ("ANSWERED", "TERMINATED", "BUSY_HERE")
REFUNDING = ("REJECTED", "UNAVAILABLE")
STATUSES = (*DELIVERED, *REFUNDING, "FORBIDDEN")


@dataclass(frozen=True)
class Report:
    """What a callback says, and when it came."""

    request: str
    status: str
    stamp: int
    came: int

    def changes(self, known: Report | None) -> bool:
        """Newer wins, the same word is no news, and delivered is never taken back."""
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
