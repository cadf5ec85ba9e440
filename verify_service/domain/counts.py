"""What the store counts: events per hour and per day and in total, by app and by country.

An event's name ends in its detail, if it has one: ``failed.account``, ``refused.prefix``,
``undelivered.REJECTED``. ``store/lua/includes/counts.lua`` says where each is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

HOURS, DAYS = 72, 35
"""The hours and days that are kept, the present ones included: three days to look back at an
incident, and five weeks, so that a weekday can be compared with four before it."""
KEPT_SECONDS = 90 * 86_400
"""TTL of the counts after the last event. The totals have no other end."""
FIELDS = 3_000
"""Fields of the hash of the present hour: one for each event of an app and a country, for each
scope of a refusal and for the number of a limit's scopes, and those of earlier hours until the
first start of this one. When it has more, an event that is new in its hour is counted under
:data:`OTHER` in place of its country. A country of an app has about 15 events, and up to four more
if the app has an address for its events, so there is room for more than 150 pairs."""
SCOPES_PER_LIMIT = 50
"""Scopes of one limit that refused starts in one hour. Refusals by further ones are counted under
:data:`OTHER`."""
SCOPES = 100
"""Scopes that are kept of a past hour or day: those with the most refusals."""
OTHER = "other"
BUCKETS = (5, 10, 15, 20, 30, 45, 60, 120, 300)
"""Upper bounds of times, in seconds. A call rings for a few seconds, and ends after 30 by default;
a callback is late after a minute; a code expires after five minutes. All are between two bounds or
are one."""

STARTED, PLACED, UNKNOWN, FAILED = "started", "placed", "unknown", "failed"
DELIVERED, UNDELIVERED, RECOVERED = "delivered", "undelivered", "recovered"
APPROVED, EXHAUSTED, CANCELED = "approved", "exhausted", "canceled"
WRONG, REFUSED, TEST = "wrong", "refused", "test"
WEBHOOK = "webhook"
"""What happens to the events of :mod:`verify_service.domain.events`; its details follow."""
EVENTS_DELIVERED, EVENT_TRIES_FAILED = f"{WEBHOOK}.delivered", f"{WEBHOOK}.failed"
EVENTS_DROPPED, EVENTS_LOST = f"{WEBHOOK}.dropped", f"{WEBHOOK}.lost"


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, as a histogram.

    Attributes:
        buckets: Events by the bound (seconds) that they are within, and within no smaller one;
            infinity is the last.
    """

    buckets: Mapping[float, int]

    @property
    def count(self) -> int:
        """The number of events."""
        return sum(self.buckets.values())

    def within(self, share: float) -> float | None:
        """Return the bound within which this share of the events was; None without events."""
        reached = 0
        for bound in sorted(self.buckets):
            reached += self.buckets[bound]
            if reached and reached >= share * self.count:
                return bound
        return None


class Counts(Counter[str]):
    """The number of each event, by its name."""

    def of(self, event: str) -> int:
        """Return how often an event occurred, with all its details."""
        return self[event] + sum(self.details(event).values())

    def details(self, event: str) -> dict[str, int]:
        """Return the numbers of an event by its detail, the largest first."""
        return {
            name.removeprefix(f"{event}."): number
            for name, number in self.most_common()
            if name.startswith(f"{event}.")
        }

    def times(self, event: str) -> Times:
        """Return the times from start to ``delivered`` or ``approved``."""
        return Times({float(bound): number for bound, number in self.details(event).items()})

    @property
    def calls(self) -> int:
        """Calls that were placed or may have been: what the provider may charge."""
        return self[PLACED] + self[UNKNOWN]

    @property
    def undelivered(self) -> int:
        """Calls whose last status is that they were not delivered."""
        return self.of(UNDELIVERED) - self[RECOVERED]


@dataclass(slots=True)
class Tally:
    """What happened in a period.

    Attributes:
        apps, countries: The same events, by app and by country.
        scopes: Refused starts by the limit and its scope: a prefix, a country, an app, or the
            digest of a client's network. The total has none.
    """

    apps: dict[str, Counts] = field(default_factory=dict)
    countries: dict[str, Counts] = field(default_factory=dict)
    scopes: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def counts(self) -> Counts:
        """The events of all apps."""
        return _sum(self.apps)

    def add(self, other: Tally) -> None:
        """Add what happened in another period."""
        for mine, others in ((self.apps, other.apps), (self.countries, other.countries)):
            for name, counts in others.items():
                mine.setdefault(name, Counts()).update(counts)
        self.scopes.update(other.scopes)


def _sum(groups: Mapping[str, Counts]) -> Counts:
    total = Counts()
    for counts in groups.values():
        total.update(counts)
    return total


@dataclass(frozen=True, slots=True)
class Period:
    """An hour or a day (UTC).

    Attributes:
        begin: Unixtime in seconds.
        seconds: How long it is. The last period of a list is not over yet.
    """

    begin: int
    seconds: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class Statistics:
    """The counts at one moment.

    Attributes:
        now: Unixtime in milliseconds, by Redis' clock.
        hours, days: Consecutive periods, the oldest first; the last one is the present.
        total: Since the counts began. It never decreases, except by what a failover of Redis loses.
    """

    now: int
    hours: tuple[Period, ...]
    days: tuple[Period, ...]
    total: Tally


def combined(periods: tuple[Period, ...]) -> Tally:
    """Return what happened in all of these periods."""
    whole = Tally()
    for period in periods:
        whole.add(period.tally)
    return whole


class CountsStore(Protocol):
    """Reads the counts. Every method raises StoreUnavailable, and counts nothing itself."""

    def statistics(self, hours: int = 0, days: int = 0) -> Statistics:
        """Return the total, and this many of the newest hours and days."""
        ...
