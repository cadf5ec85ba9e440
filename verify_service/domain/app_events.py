"""How the events of each app fare: one row each, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from verify_service.domain.counts import (
    EVENTS_DELIVERED,
    EVENTS_DROPPED,
    EVENTS_LOST,
    Counts,
    combined,
)
from verify_service.domain.durations import format_duration
from verify_service.domain.figures import number
from verify_service.domain.finding import COMMAND, IN_THE_HOUR, Finding, Level
from verify_service.domain.outboxes import OutboxUsage
from verify_service.domain.situation import RECENT_HOURS, Situation

LATE_SECONDS = 300
"""An event that waits for so long was tried four times: at once, then after 5, 30 and 120 s."""


@dataclass(frozen=True, slots=True)
class AppEvents:
    """The events of an app with an address.

    Attributes:
        outbox: What waits.
        today: What happened today (UTC); its events begin with ``webhook.``.
        command: Switches the address on; empty if it is on.
    """

    outbox: OutboxUsage
    today: Counts

    @property
    def command(self) -> str:
        """Switches the address on again; empty if it is on."""
        return f"{COMMAND} webhook on {self.outbox.app}" if self.outbox.off else ""


def app_events(situation: Situation) -> Sequence[AppEvents]:
    """Return a row for each app that has an address."""
    today = situation.today.apps
    return [AppEvents(one, today.get(one.app, Counts())) for one in situation.outboxes]


def event_findings(situation: Situation) -> Iterator[Finding]:
    """Yield what is wrong, except an address that is off: that is a restriction."""
    recent = situation.hours[-RECENT_HOURS:]
    counted = combined(recent).apps
    for outbox in situation.outboxes:
        if outbox.oldest > LATE_SECONDS and not outbox.off:
            yield _late(outbox, situation.now)
        counts = counted.get(outbox.app, Counts())
        if counts[EVENTS_DROPPED] or counts[EVENTS_LOST]:
            yield _missed(outbox.app, counts, recent[0].begin * 1000)


def _late(outbox: OutboxUsage, now: int) -> Finding:
    return Finding(
        Level.WARNING,
        f"{outbox.app}: events wait for their receiver",
        f"Waiting: {number(outbox.waiting)}, the oldest for {format_duration(outbox.oldest)}. "
        "Logins work; the login flow learns of changes when it asks.",
        "Look at the receiver. `event_failed` in the log has the reason of each try.",
        "events",
        now - outbox.oldest * 1000,
        f"{COMMAND} webhook test {outbox.app}",
        command_words="Tries the address",
        runbook="verifyeventslate",
    )


def _missed(app: str, counts: Counts, since: int) -> Finding:
    causes = (
        (counts[EVENTS_DROPPED], "after the last try, or after two hours"),
        (counts[EVENTS_LOST], "because the outbox was full"),
    )
    listed = " and ".join(f"{number(count)} {cause}" for count, cause in causes if count)
    return Finding(
        Level.WARNING,
        f"{app}: events were dropped",
        f"Dropped: {listed}. {number(counts[EVENTS_DELIVERED])} were delivered.",
        "Repair the receiver. `webhook resend <verificationId>` sends how a verification stands.",
        "events",
        since,
        since_words=IN_THE_HOUR,
        runbook="verifyeventsdropped",
    )
