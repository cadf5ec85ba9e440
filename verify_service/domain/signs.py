"""What the last verifications say about the provider: whether it fails, and calls back.

The counts have one number an hour. These have moments, so a fault is seen after three calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import isfinite
from statistics import quantiles

from verify_service.domain.calls import FailureKind
from verify_service.domain.counts import (
    APPROVED,
    DELIVERED,
    FAILED,
    PLACED,
    STARTED,
    UNDELIVERED,
    UNKNOWN,
    Counts,
)
from verify_service.domain.timeline import Attempt, TimelineEvent

LEAST_RUN = 3
"""Calls in a row that are a sign. One or two are a person's bad luck, or a lost callback."""
LEAST_REFUSED_RUN = 5
"""The same for calls that the provider refuses: a refusal may be about one number, which a person
tries again."""
ACCOUNT, REFUSED = FailureKind.ACCOUNT.value, FailureKind.REFUSED.value
_PROVIDER_FAILS = {
    ACCOUNT,
    FailureKind.UNREACHABLE.value,
    FailureKind.UNREADABLE.value,
    FailureKind.INTERNAL.value,
    FailureKind.THROTTLED.value,
    REFUSED,
}
_OUTCOMES = {PLACED, UNKNOWN, FAILED}
_CALLBACKS = {DELIVERED, UNDELIVERED}
CALLBACK_MARGIN_SECONDS = 10
"""Beyond the ringing: the provider sends most callbacks at the end of a call."""
LEAST_PATIENCE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class ProviderFailing:
    """The newest calls all failed, for a reason on the provider's side or on the way to it.

    Attributes:
        since: When the first of them failed: unixtime in milliseconds.
        kinds: How many failed why; ``unknown`` for those that may ring.
        cause: Of the newest refusal, one of the account first; see ``domain/timeline.py``.
    """

    since: int
    kinds: Mapping[str, int]
    cause: str = ""

    @property
    def calls(self) -> int:
        """How many calls failed in a row."""
        return sum(self.kinds.values())


@dataclass(frozen=True, slots=True)
class CallbacksMissing:
    """The newest calls have no callback, although it is overdue.

    Attributes:
        since: When the first of them was placed: unixtime in milliseconds.
        calls: How many there are.
        approved: How many of them led to a login all the same: their phones rang.
    """

    since: int
    calls: int
    approved: int


def outcome_of(attempt: Attempt) -> TimelineEvent | None:
    """Return how the provider answered; None while it is asked."""
    return next((event for event in attempt.events if event.name in _OUTCOMES), None)


def callback_of(attempt: Attempt) -> TimelineEvent | None:
    """Return the last status that a callback gave to the call."""
    found = [event for event in attempt.events if event.name in _CALLBACKS]
    return found[-1] if found else None


def provider_failing(attempts: Sequence[Attempt]) -> ProviderFailing | None:
    """Return the calls that failed in a row until now.

    One that the account is refused for is enough: the operator has to act.
    """
    outcomes = filter(None, map(outcome_of, attempts))
    run = list(takewhile(_is_failure, outcomes))
    kinds = Counter(event.detail or event.name for event in run)
    sure = len(run) - kinds[REFUSED] >= LEAST_RUN or len(run) >= LEAST_REFUSED_RUN
    return ProviderFailing(run[-1].at, kinds, _cause(run)) if sure or kinds[ACCOUNT] else None


def _cause(run: Sequence[TimelineEvent]) -> str:
    """Return what decided the newest refusal of the account, or else the newest refusal."""
    causes = (event.cause for kind in (ACCOUNT, REFUSED) for event in run if event.detail == kind)
    return next(causes, "")


def _is_failure(outcome: TimelineEvent) -> bool:
    return outcome.name == UNKNOWN or (outcome.name == FAILED and outcome.detail in _PROVIDER_FAILS)


def callbacks_missing(
    attempts: Sequence[Attempt], now: int, patience: float
) -> CallbacksMissing | None:
    """Return the calls without a callback since the last one that had one.

    Args:
        patience: Seconds after which a callback is overdue.
    """
    run = list(takewhile(lambda one: callback_of(one) is None, _called(attempts, now, patience)))
    if len(run) < LEAST_RUN:
        return None
    approved = sum(any(event.name == APPROVED for event in one.events) for one in run)
    return CallbacksMissing(run[-1].started_at, len(run), approved)


def _called(attempts: Sequence[Attempt], now: int, patience: float) -> Iterator[Attempt]:
    """Yield the verifications whose call may ring, and was placed so long ago."""
    for attempt in attempts:
        outcome = outcome_of(attempt)
        if outcome and outcome.name != FAILED and now - outcome.at >= patience * 1000:
            yield attempt


def callback_patience(week: Counts, ringing_seconds: float) -> float:
    """Return after how many seconds a callback is overdue.

    That is the time that a phone may ring, and less if callbacks usually come sooner.
    """
    longest = ringing_seconds + CALLBACK_MARGIN_SECONDS
    usual = week.times(DELIVERED).within(0.99)
    if usual is None or not isfinite(usual):
        return longest
    return min(longest, max(LEAST_PATIENCE_SECONDS, 2 * usual))


def exchange_times(attempts: Sequence[Attempt]) -> tuple[float, float] | None:
    """Return the median and the 95th percentile of the provider's answers, in seconds.

    Measured by Redis' clock between the reservation and the record, so both exchanges with Redis
    are included. None with fewer than two calls.
    """
    seconds = [
        (outcome.at - attempt.started_at) / 1000
        for attempt in attempts
        if (outcome := outcome_of(attempt)) and attempt.events[0].name == STARTED
    ]
    if len(seconds) < 2:
        return None
    cuts = quantiles(seconds, n=20, method="inclusive")
    return cuts[9], cuts[18]
