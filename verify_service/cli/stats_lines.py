"""The lines of ``stats`` and ``verification``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from verify_service.cli.sentences import counted
from verify_service.domain.counts import (
    APPROVED,
    BUCKETS,
    CANCELED,
    DELIVERED,
    EVENT_TRIES_FAILED,
    EVENTS_DELIVERED,
    EVENTS_DROPPED,
    EVENTS_LOST,
    EXHAUSTED,
    FAILED,
    PLACED,
    RECOVERED,
    REFUSED,
    STARTED,
    UNDELIVERED,
    UNKNOWN,
    WEBHOOK,
    WRONG,
    Counts,
    Tally,
    Times,
)
from verify_service.domain.numbers import mask
from verify_service.domain.timeline import Attempt, Found

LISTED_SCOPES = 10
ROW = "{:<18}{:>9}{:>9}{:>9}{:>8}{:>11}{:>6}{:>10}{:>6}"
"""Columns of the tables by app, country and time."""


def stats_lines(tally: Tally) -> Iterator[str]:
    """Yield what happened, what of it led to a login, and what was refused why."""
    counts = tally.counts
    started, calls, approved = counts[STARTED], counts.calls, counts.of(APPROVED)
    yield _line("started", started)
    yield _line("placed", counts[PLACED], _share(counts[PLACED], started, "of the starts"))
    yield _line("unknown", counts[UNKNOWN], "may have rung" if counts[UNKNOWN] else "")
    yield _line("failed", counts.of(FAILED), _details(counts, FAILED))
    delivered = counts.of(DELIVERED)
    yield _line("delivered", delivered, _share(delivered, calls, "of the calls"))
    later = counts[RECOVERED]
    note = f"{_details(counts, UNDELIVERED)}; {later} delivered later" if later else ""
    yield _line("undelivered", counts.undelivered, note or _details(counts, UNDELIVERED))
    yield _line("approved", approved, _share(approved, started, "of the starts"))
    yield _line("exhausted", counts[EXHAUSTED])
    yield _line("canceled", counts[CANCELED])
    right = _share(approved, approved + counts[WRONG], "of the guesses right")
    yield _line("wrong guesses", counts[WRONG], right)
    yield _line("refused", counts.of(REFUSED), _details(counts, REFUSED))
    if counts.of(WEBHOOK):
        yield _line("events", counts[EVENTS_DELIVERED], f"delivered; {_events(counts)}")
    for (limit, scope), number in tally.scopes.most_common(LISTED_SCOPES):
        yield f"  {limit} {scope}: {number}"
    for event in (DELIVERED, APPROVED):
        times = counts.times(event)
        if times.count:
            yield f"from start to {event}: {_times(times)}"


def group_lines(title: str, groups: Mapping[str, Counts], *, by_size: bool = True) -> Iterator[str]:
    """Yield a table with a line for each group.

    Args:
        by_size: Whether the group with the most starts is first; else the order stays.
    """
    titles = ("started", "placed", "unknown", "failed", "delivered", "", "approved", "")
    yield ROW.format(title, *titles).rstrip()
    items = list(groups.items())
    if by_size:
        items.sort(key=lambda item: (-item[1][STARTED], item[0]))
    for name, counts in items:
        delivered, approved = counts.of(DELIVERED), counts.of(APPROVED)
        yield ROW.format(
            name or "none",
            counts[STARTED],
            counts[PLACED],
            counts[UNKNOWN],
            counts.of(FAILED),
            delivered,
            _percent(delivered, counts.calls),
            approved,
            _percent(approved, counts[STARTED]),
        ).rstrip()


def event_lines(found: Found) -> Iterator[str]:
    """Yield what is known of a verification; nothing if nothing is."""
    if found.attempt:
        attempt = found.attempt
        yield f"{attempt.number}, {attempt.country}, app {attempt.app}"
        yield from _moments(attempt)
    if found.verification:
        verification = found.verification
        if not found.attempt:
            test = ", test number" if verification.test else ""
            yield f"{mask(verification.number)}, app {verification.app}{test}"
        word = verification.call.provider_status
        call = verification.call.state + (f" ({word})" if word else "")
        left = f"{counted(verification.checks_left, 'check')} left"
        yield f"Now: {verification.state}, the call is {call}; {left}"


def _moments(attempt: Attempt) -> Iterator[str]:
    for event in attempt.events:
        after = (event.at - attempt.started_at) / 1000
        moment = f"{datetime.fromtimestamp(event.at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
        detail = f"  {event.detail} {event.cause}".rstrip()
        yield f"  {moment} {f'+{after:.3f} s':>12}  {event.name}{detail}"


def _line(name: str, number: int, note: str = "") -> str:
    return f"{name:<14}{number:>8}  {note}".rstrip()


def _share(part: int, whole: int, of: str) -> str:
    return f"{_percent(part, whole)} {of}" if whole else ""


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""


def _details(counts: Counts, event: str) -> str:
    return ", ".join(f"{detail} {number}" for detail, number in counts.details(event).items())


def _events(counts: Counts) -> str:
    names = {EVENT_TRIES_FAILED: "tries failed", EVENTS_DROPPED: "dropped", EVENTS_LOST: "lost"}
    return ", ".join(f"{counts[event]} {name}" for event, name in names.items())


def _times(times: Times) -> str:
    shares = ((0.5, "half"), (0.9, "nine in ten"), (0.99, "99 %"))
    return ", ".join(f"{words} {_bound(times.within(share))}" for share, words in shares)


def _bound(seconds: float | None) -> str:
    if seconds in BUCKETS:
        return f"within {seconds:.0f} s"
    return f"later than {BUCKETS[-1]} s"
