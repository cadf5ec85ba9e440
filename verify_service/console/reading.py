"""What one page is made of: read from Redis, or the reason why it could not be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from verify_service.domain.check_result import CheckResult
from verify_service.domain.counts import OTHER, REFUSED, Period, Statistics, Tally, combined
from verify_service.domain.diagnosis import LimitUsage, Restriction
from verify_service.domain.errors import StoreUnavailable
from verify_service.domain.limits import DAY_TOTAL, WIDE_LIMITS
from verify_service.domain.models import Readiness
from verify_service.domain.operator import Operator
from verify_service.domain.prices import Prices
from verify_service.domain.timeline import Attempt

HOURS, DAYS = 24, 31
"""What a page shows. A month has at most 31 days, so its spend is complete."""
WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Sources:
    """What the page is read from.

    Attributes:
        operator: The counts, the timeline and what is blocked.
        readiness: Returns whether Redis takes writes, and its warnings.
        prices: What a call costs.
        ringing_seconds: How long the provider lets a phone ring.
        redis_answered_at: Returns when Redis last answered this process: unixtime; 0 if never.
        warned_since: Returns since when this process knows of each warning: unixtime, by its name.
        refused_callbacks: Returns how many callbacks the processes have refused, by the reason.
    """

    operator: Operator
    readiness: Callable[[], Readiness]
    prices: Prices
    ringing_seconds: float
    redis_answered_at: Callable[[], float]
    warned_since: Callable[[], Mapping[str, float]]
    refused_callbacks: Callable[[], Mapping[str, int]]

    @property
    def dry_run(self) -> frozenset[str]:
        """The limits that only count."""
        return self.operator.limits.dry_run


@dataclass(frozen=True)
class Reading:
    """The state at one moment.

    Attributes:
        now: Unixtime in milliseconds; by Redis' clock if it answers.
        redis_problem: Why Redis cannot work, as the end of a sentence that begins with "Redis";
            empty if it works.
        redis_answered_at: When it last answered this process: unixtime in seconds; 0 if never.
        redis_seconds: How long its answer took; None if there was none.
        warnings: What weakens its guarantees.
        warned_since: Since when this process knows it: unixtime in seconds, by the warning's name.
        statistics: The counts; None if they cannot be read.
        restrictions, full_limits: What refuses starts.
        attempts: The last verifications, the newest first.
        refused_callbacks: By the reason, since the processes began.
    """

    now: int
    redis_problem: str = ""
    redis_answered_at: float = 0
    redis_seconds: float | None = None
    warnings: tuple[CheckResult, ...] = ()
    warned_since: Mapping[str, float] = field(default_factory=dict)
    statistics: Statistics | None = None
    restrictions: Sequence[Restriction] = ()
    full_limits: Sequence[LimitUsage] = ()
    attempts: Sequence[Attempt] = ()
    refused_callbacks: Mapping[str, int] = field(default_factory=dict)

    @property
    def hours(self) -> tuple[Period, ...]:
        """The last 24 hours, the present one included."""
        return self.statistics.hours if self.statistics else ()

    @property
    def days(self) -> tuple[Period, ...]:
        """The last 31 days (UTC), today included."""
        return self.statistics.days if self.statistics else ()

    @cached_property
    def last_hours(self) -> Tally:
        """What happened in the last 24 hours."""
        return combined(self.hours)

    @cached_property
    def week(self) -> Tally:
        """What happened in seven days, today included."""
        return combined(self.days[-WEEK_DAYS:])

    @cached_property
    def today(self) -> Tally:
        """What happened today (UTC)."""
        return combined(self.days[-1:])


def read(sources: Sources) -> Reading:
    """Read everything that the page shows: four exchanges, and one more while limits refuse.

    A Redis that takes no writes is read all the same: it is full, or a replica.
    """
    reading = Reading(
        now=int(time.time() * 1000),
        redis_answered_at=sources.redis_answered_at(),
        refused_callbacks=sources.refused_callbacks(),
    )
    try:
        warnings = sources.readiness().warnings
        reading = replace(reading, warnings=warnings, warned_since=sources.warned_since())
    except StoreUnavailable as error:
        reading = replace(reading, redis_problem=error.state)
    try:
        return _read_stored(reading, sources.operator)
    except StoreUnavailable as error:
        return replace(reading, redis_problem=reading.redis_problem or error.state)


def _read_stored(reading: Reading, operator: Operator) -> Reading:
    began = time.perf_counter()
    restrictions = operator.restrictions()
    seconds = time.perf_counter() - began
    statistics = operator.counts.statistics(HOURS, DAYS)
    refusing = _refusing(combined(statistics.hours[-2:]))
    return replace(
        reading,
        now=statistics.now,
        redis_seconds=seconds,
        statistics=statistics,
        restrictions=restrictions,
        full_limits=[usage for usage in operator.limit_usage(refusing) if usage.full],
        attempts=operator.timeline.attempts(),
    )


def _refusing(tally: Tally) -> list[tuple[str, str]]:
    """Return the limits over many numbers that refused starts, each with its scope."""
    found = [
        (limit, scope) for limit, scope in tally.scopes if limit in WIDE_LIMITS and scope != OTHER
    ]
    if tally.counts[f"{REFUSED}.{DAY_TOTAL}"]:
        found.append((DAY_TOTAL, ""))
    return found
