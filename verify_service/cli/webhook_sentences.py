"""The sentences of ``webhook``: what a receiver answered, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from verify_service.cli.sentences import counted
from verify_service.domain.app_events import AppEvents
from verify_service.domain.counts import (
    EVENT_TRIES_FAILED,
    EVENTS_DELIVERED,
    EVENTS_DROPPED,
    EVENTS_LOST,
)
from verify_service.domain.durations import format_duration
from verify_service.domain.events import TRY_SECONDS
from verify_service.domain.outboxes import Trial
from verify_service.domain.receiver_answers import remedy


def trial_lines(app: str, trial: Trial) -> Iterator[str]:
    """Yield what came back, and what to do about it."""
    took = f"after {trial.seconds * 1000:.0f} ms"
    if trial.http is None:
        yield f"{app}: no whole response {took}."
        yield trial.unreachable or (
            f"The connection opens. Answer within {TRY_SECONDS} seconds, and do afterwards "
            "what takes longer."
        )
        return
    accepted = "Events are accepted" if trial.accepted else "Events are not accepted"
    yield f"{app}: HTTP {trial.http} {took}. {accepted}."
    if trial.wrong_clock:
        yield _clock(trial)
    elif not trial.accepted:
        yield remedy(trial.http)


def _clock(trial: Trial) -> str:
    seconds = round(trial.clock or 0)
    where = "ahead of" if seconds > 0 else "behind"
    return (
        f"Its clock is {format_duration(abs(seconds))} {where} ours, so it takes every event for "
        "too old or too new: set the clocks of both machines by NTP."
    )


def events_line(row: AppEvents) -> str:
    """Return how the events of an app fare."""
    outbox, today = row.outbox, row.today
    waiting = "nothing waits"
    if outbox.waiting:
        oldest = format_duration(outbox.oldest)
        waiting = f"{counted(outbox.waiting, 'event')} waiting, the oldest for {oldest}"
    off = ""
    if outbox.off:
        more = format_duration(outbox.off)
        off = f"; off for {more} more after a 410, `webhook on {outbox.app}` ends it"
    happened = (
        f"{today[EVENTS_DELIVERED]} delivered, {today[EVENT_TRIES_FAILED]} tries failed, "
        f"{today[EVENTS_DROPPED]} dropped, {today[EVENTS_LOST]} lost"
    )
    return f"{outbox.app}: {waiting}{off}; today {happened}"
