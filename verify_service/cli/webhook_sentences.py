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
from verify_service.domain.events import DELIVERY_SECONDS
from verify_service.domain.outboxes import Trial

_SIGNATURE = (
    "The receiver does not accept the signature. Compare its secret with WEBHOOK_SECRETS. It has "
    "to verify the bytes of the body as they arrived, before anything parses them."
)
_BY_STATUS = {
    400: "The receiver refuses the event; its log has the reason. It has to ignore a type that it "
    "does not know with 2xx, and this one is `verification.test`.",
    401: _SIGNATURE,
    403: _SIGNATURE,
    404: "Nothing receives events at this address: compare its path in WEBHOOKS.",
    405: "The address does not accept POST.",
    408: "The receiver did not wait for the body.",
    410: "The receiver wants no events. An event with this answer switches the address off for a "
    "day; `webhook on {app}` switches it on again.",
    413: "The receiver accepts only shorter bodies. An event has less than 2 kB.",
    415: "The receiver does not accept application/json.",
    422: "The receiver cannot read the body. docs/events.md has its fields.",
    429: "The receiver limits requests. An event is tried again after 5 seconds, or when its "
    "Retry-After says so.",
}
_BY_CLASS = {
    3: "Redirects are not followed, because they would send events elsewhere: write the address "
    "that it names into WEBHOOKS.",
    4: "The receiver refuses the event; its log has the reason.",
    5: "The receiver failed, or a proxy before it: its log has the reason.",
}


def trial_lines(app: str, trial: Trial) -> Iterator[str]:
    """Yield what came back, and what to do about it."""
    took = f"after {trial.seconds * 1000:.0f} ms"
    if trial.http is None:
        yield f"{app}: no whole response {took}."
        yield trial.unreachable or (
            f"The connection opens. Answer within {DELIVERY_SECONDS} seconds, and do afterwards "
            "what takes longer."
        )
        return
    accepted = "Events are accepted" if trial.accepted else "Events are not accepted"
    yield f"{app}: HTTP {trial.http} {took}. {accepted}."
    if trial.wrong_clock:
        yield _clock(trial)
    elif not trial.accepted:
        yield _BY_STATUS.get(trial.http, _BY_CLASS.get(trial.http // 100, "")).format(app=app)


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
