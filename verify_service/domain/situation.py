"""What is going on now, as it is stored: the input of the verdict."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from verify_service.domain.check_result import CheckResult
from verify_service.domain.counts import OTHER, REFUSED, Period, Statistics, Tally, combined
from verify_service.domain.diagnosis import LimitUsage, Restriction
from verify_service.domain.errors import StoreUnavailable
from verify_service.domain.limits import DAY_TOTAL, WIDE_LIMITS
from verify_service.domain.operator import Operator
from verify_service.domain.outboxes import OutboxUsage
from verify_service.domain.redis_memory import RedisMemory
from verify_service.domain.timeline import Attempt

HOURS, DAYS = 24, 31
"""What is read. A month has at most 31 days, so it is complete."""
WEEK_DAYS = 7
RECENT_HOURS = 2
"""The present hour and the one before."""


@dataclass(frozen=True)
class Situation:
    """The state at one moment.

    Attributes:
        now: Unixtime in milliseconds, by Redis' clock if it answers.
        redis_problem: Why Redis cannot work, as the end of a sentence that begins with "Redis";
            empty if it works.
        redis_answered_at: When it last answered this process: unixtime in seconds; 0 if that is not
            known.
        redis_seconds: How long its answer took; None if there was none.
        memory: How much it uses; None if that is not known.
        warnings: What weakens its guarantees.
        warned_since: Since when this process knows it: unixtime in seconds, by the warning's name.
        statistics: The counts; None if they cannot be read.
        restrictions, full_limits: What refuses starts.
        outboxes: The events that wait for a receiver, by app.
        attempts: The last verifications, the newest first.
        refused_callbacks: By the reason, since this machine's processes began; None if that is not
            known.
        secret_callback_path: Whether the path of callbacks ends in a secret.
        dry_run: The limits that only count.
        ringing_seconds: How long the provider lets a phone ring.
    """

    now: int
    redis_problem: str = ""
    redis_answered_at: float = 0
    redis_seconds: float | None = None
    memory: RedisMemory | None = None
    warnings: Sequence[CheckResult] = ()
    warned_since: Mapping[str, float] = field(default_factory=dict)
    statistics: Statistics | None = None
    restrictions: Sequence[Restriction] = ()
    full_limits: Sequence[LimitUsage] = ()
    outboxes: Sequence[OutboxUsage] = ()
    attempts: Sequence[Attempt] = ()
    refused_callbacks: Mapping[str, int] | None = None
    secret_callback_path: bool = False
    dry_run: frozenset[str] = frozenset()
    ringing_seconds: float = 30

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


def completed(situation: Situation, operator: Operator) -> Situation:
    """Return the situation with all that is stored in Redis, or with the reason why it has none.

    A Redis that takes no writes is read all the same: it is full, or a replica.
    """
    try:
        began = time.perf_counter()
        restrictions = operator.restrictions()
        seconds = time.perf_counter() - began
        statistics = operator.counts.statistics(HOURS, DAYS)
        refusing = list(_refusing(combined(statistics.hours[-RECENT_HOURS:])))
        return replace(
            situation,
            now=statistics.now,
            redis_seconds=seconds,
            statistics=statistics,
            restrictions=restrictions,
            full_limits=[one for one in operator.limit_usage(refusing) if one.full],
            outboxes=operator.outbox_usage(),
            attempts=_attempts(operator),
        )
    except StoreUnavailable as error:
        return replace(situation, redis_problem=situation.redis_problem or error.state)


def _refusing(tally: Tally) -> Iterator[tuple[str, str]]:
    """Yield the limits over many numbers that refused starts, each with its scope."""
    for limit, scope in tally.scopes:
        if limit in WIDE_LIMITS and scope != OTHER:
            yield limit, scope
    if tally.counts[f"{REFUSED}.{DAY_TOTAL}"]:
        yield DAY_TOTAL, ""


def _attempts(operator: Operator) -> Sequence[Attempt]:
    """Return the last verifications; none if our Redis user may not read them."""
    try:
        return operator.timeline.attempts()
    except StoreUnavailable:
        return ()
