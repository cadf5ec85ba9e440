"""What the page shows, as the template reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from verify_service.console.charts import Chart, by_day, by_hour
from verify_service.domain.app_events import AppEvents, app_events
from verify_service.domain.blocked import blocked_rows
from verify_service.domain.blocked_row import Blocked
from verify_service.domain.counts import (
    APPROVED,
    DELIVERED,
    OTHER,
    PLACED,
    REFUSED,
    STARTED,
    Counts,
    Period,
    Tally,
    combined,
)
from verify_service.domain.finding import COMMAND
from verify_service.domain.limits import BLOCKED, WIDE_LIMITS
from verify_service.domain.prices import Prices, Spend
from verify_service.domain.signs import callback_of, exchange_times, outcome_of
from verify_service.domain.situation import Situation
from verify_service.domain.verdict import Verdict, verdict

LISTED = 20
"""Rows of a table. The others are counted below it."""
CHART_DAYS = 28
"""Four weeks, so that each weekday occurs four times."""
FEW_STARTS = 10
"""With fewer, a share says little: such rows come last."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the funnel.

    Attributes:
        whole: What it is a share of; 0 for the first stage.
        whole_name: The same in words.
    """

    name: str
    number: int
    whole: int = 0
    whole_name: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A country or an app: in the last 24 hours, and in seven days."""

    name: str
    day: Counts
    week: Counts


@dataclass(frozen=True, slots=True)
class RefusedScope:
    """A scope of a limit that refused starts.

    Attributes:
        command: Has the limit count from zero, or ends the block; empty if neither is a remedy.
    """

    limit: str
    scope: str
    day: int
    command: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What the calls to one country cost, or to all of them.

    Attributes:
        price: None if it has none, and for the total.
    """

    country: str
    price: Decimal | None
    today: Spend
    month: Spend


@dataclass(frozen=True, slots=True)
class Overview:
    """The page. Without ``reading.statistics`` only the verdict and the health are shown.

    Attributes:
        events: How the events of each app with an address fare.
        exchange_times: The median and the 95th percentile of the provider's answers, in seconds.
        last_call, last_callback, last_login: Among the last verifications: unixtime in
            milliseconds; 0 if there is none.
    """

    reading: Situation
    verdict: Verdict
    blocked: Sequence[Blocked]
    events: Sequence[AppEvents]
    exchange_times: tuple[float, float] | None
    last_call: int
    last_callback: int
    last_login: int


def overview(reading: Situation) -> Overview:
    """Return the page for what was read."""
    attempts = reading.attempts
    calls = [event.at for one in attempts if (event := outcome_of(one)) and event.name == PLACED]
    callbacks = [event.at for one in attempts if (event := callback_of(one))]
    logins = [event.at for one in attempts for event in one.events if event.name == APPROVED]
    return Overview(
        reading=reading,
        verdict=verdict(reading),
        blocked=blocked_rows(reading),
        events=app_events(reading),
        exchange_times=exchange_times(attempts),
        last_call=max(calls, default=0),
        last_callback=max(callbacks, default=0),
        last_login=max(logins, default=0),
    )


def funnel(tally: Tally) -> list[Stage]:
    """Return the way from a start to a login."""
    counts = tally.counts
    started = counts[STARTED]
    return [
        Stage("Started", started),
        Stage("Placed", counts[PLACED], started, "of the starts"),
        Stage("Delivered", counts.of(DELIVERED), counts.calls, "of the calls"),
        Stage("Approved", counts.of(APPROVED), started, "of the starts"),
    ]


def charts(reading: Situation) -> list[Chart]:
    """Return the charts by hour and by day."""
    return [by_hour(reading.hours), by_day(reading.days[-CHART_DAYS:])]


def groups(day: Mapping[str, Counts], week: Mapping[str, Counts]) -> list[Group]:
    """Return the groups, those with the smallest share of logins first."""
    found = [Group(name, day.get(name, Counts()), week[name]) for name in week]
    return sorted(found, key=lambda group: (*_worst_first(group.day), *_worst_first(group.week)))


def _worst_first(counts: Counts) -> tuple[bool, float, int]:
    started = counts[STARTED]
    share = counts.of(APPROVED) / started if started else 1.0
    return started < FEW_STARTS, share, -started


def refused_limits(day: Tally, week: Tally) -> list[tuple[str, int, int]]:
    """Return the limits that refused starts: in 24 hours, and in seven days; the most first."""
    recent, all_week = day.counts.details(REFUSED), week.counts.details(REFUSED)
    found = [(name, recent.get(name, 0), number) for name, number in all_week.items()]
    return sorted(found, key=lambda one: (-one[1], -one[2]))


def refused_scopes(day: Tally) -> list[RefusedScope]:
    """Return the scopes that were refused most in 24 hours."""
    return [
        RefusedScope(limit, scope, number, _remedy(limit, scope))
        for (limit, scope), number in day.scopes.most_common()
    ]


def _remedy(limit: str, scope: str) -> str:
    """Return the command; a guard has none, and refusals that are counted together have none."""
    if scope == OTHER:
        return ""
    if limit == BLOCKED:
        return f"{COMMAND} unblock {scope}"
    return f"{COMMAND} reset {limit} {scope}" if limit in WIDE_LIMITS else ""


def costs(reading: Situation, prices: Prices) -> list[Cost]:
    """Return the total, then the countries, the most expensive of the month first."""
    today, month = reading.today.countries, combined(_of_month(reading)).countries
    rows = [
        Cost(
            country,
            prices.of(country),
            prices.spend(country, today.get(country, Counts())),
            prices.spend(country, counts),
        )
        for country, counts in month.items()
        if counts.calls
    ]
    rows.sort(key=lambda row: (-row.month.amount, -row.month.calls))
    total = Cost("", None, *(_sum(row.today for row in rows), _sum(row.month for row in rows)))
    return [total, *rows]


def _of_month(reading: Situation) -> tuple[Period, ...]:
    this_month = datetime.fromtimestamp(reading.now / 1000, UTC).strftime("%Y-%m")
    return tuple(
        period
        for period in reading.days
        if datetime.fromtimestamp(period.begin, UTC).strftime("%Y-%m") == this_month
    )


def _sum(spends: Iterable[Spend]) -> Spend:
    return sum(spends, Spend())
