"""Whether it works now; what is wrong, since when, and what the operator does about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from verify_service.domain.app_events import event_findings
from verify_service.domain.blocked import blocked_rows
from verify_service.domain.blocked_row import Blocked
from verify_service.domain.counts import APPROVED, DELIVERED, STARTED, Counts, combined
from verify_service.domain.durations import format_duration
from verify_service.domain.figures import share
from verify_service.domain.finding import IN_THE_HOUR, Finding, Level
from verify_service.domain.provider_findings import callbacks_stopped, provider_fails
from verify_service.domain.redis_findings import redis_findings
from verify_service.domain.signs import callback_patience, callbacks_missing, provider_failing
from verify_service.domain.situation import RECENT_HOURS, Situation

_FEW_DELIVERED = "Ask the provider about calls to these numbers, and look whether callbacks arrive."
_FEW_APPROVED = (
    "Someone may be running up the bill, or a login has a fault: compare the apps, the countries "
    "and the refusals."
)
LEAST_STARTS = 20
"""As in the conversion guard: with fewer starts a share says little."""
DROP = 0.5
"""A share is low if it is less than this part of the week's."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it works.

    Attributes:
        findings: What is wrong and what the operator did, the most urgent first.
    """

    findings: tuple[Finding, ...]

    @property
    def level(self) -> Level:
        """The level of the most urgent finding; that of a note if all is well."""
        return min((finding.level for finding in self.findings), default=Level.NOTE)

    @property
    def word(self) -> str:
        """``good``, ``warning`` or ``bad``."""
        return {Level.BAD: "bad", Level.WARNING: "warning", Level.NOTE: "good"}[self.level]

    @property
    def wrong(self) -> int:
        """How many things are wrong: the operator's own blocks are not."""
        return sum(finding.level is not Level.NOTE for finding in self.findings)

    @property
    def sentence(self) -> str:
        """The verdict in one line, without a full stop."""
        if not self.wrong:
            return "It works"
        works = "It works, but " if self.level is Level.WARNING else ""
        more = f", and {self.wrong - 1} more" if self.wrong > 1 else ""
        return f"{works}{self.findings[0].title}{more}"


def verdict(situation: Situation, *more: Finding) -> Verdict:
    """Return the verdict on a situation.

    Args:
        situation: What is going on.
        more: What was found in other ways.
    """
    found = [*_findings(situation), *more]
    return Verdict(tuple(sorted(found, key=lambda one: one.level)))


def _findings(situation: Situation) -> Iterator[Finding]:
    """Yield what is wrong."""
    yield from redis_findings(situation)
    if situation.statistics:
        patience = callback_patience(situation.week.counts, situation.ringing_seconds)
        failing = provider_failing(situation.attempts)
        if failing:
            yield provider_fails(failing)
        missing = callbacks_missing(situation.attempts, situation.now, patience)
        if missing:
            yield callbacks_stopped(missing, situation)
        for row in blocked_rows(situation):
            finding = _blocked(row)
            follows = failing and row.is_breaker
            yield replace(finding, level=Level.NOTE) if follows else finding
        yield from _drops(situation, callbacks_come=missing is None)
        yield from event_findings(situation)
    if situation.dry_run:
        yield _dry_run(situation.dry_run)


def _blocked(row: Blocked) -> Finding:
    words = "Lets starts through again" if row.stops_starts else "Ends it"
    if row.stop:
        words = "Stops the calls"
    ends = "It has room for one more start in" if row.is_full_limit else "It ends in"
    lasts = f"{ends} {format_duration(row.seconds)}." if row.seconds else ""
    return Finding(
        row.level,
        row.title or f"{row.scope}: {row.state}",
        f"By {row.who}. {row.why} {lasts}".replace("  ", " ").strip(),
        row.remedy,
        "blocked",
        row.since,
        row.stop or row.command,
        IN_THE_HOUR if row.is_full_limit else "Since",
        words,
        row.runbook,
    )


def _drops(situation: Situation, *, callbacks_come: bool) -> Iterator[Finding]:
    """Yield the countries and apps for which it worked all week, and does not now.

    Args:
        callbacks_come: Else no call is known to be delivered, whatever its country.
    """
    recent, week = situation.hours[-RECENT_HOURS:], situation.week
    tally = combined(recent)
    for now, before in ((tally.countries, week.countries), (tally.apps, week.apps)):
        for name, counts in now.items():
            usual = before.get(name, Counts())
            delivered = _lower(_delivered(counts), _delivered(usual)) if callbacks_come else ""
            approved = _lower(_approved(counts), _approved(usual))
            if delivered:
                title, remedy = "few calls are delivered", _FEW_DELIVERED
            else:
                title, remedy = "few starts lead to a login", _FEW_APPROVED
            if delivered or approved:
                yield Finding(
                    Level.WARNING,
                    f"{name}: {title}",
                    delivered or approved,
                    remedy,
                    "whom",
                    recent[0].begin * 1000,
                    since_words=IN_THE_HOUR,
                    runbook="verifyconversionfalls",
                )


def _lower(now: tuple[int, int], usual: tuple[int, int]) -> str:
    """Return both shares if that of now is lower by far, else nothing."""
    if now[1] < LEAST_STARTS or usual[1] < 2 * now[1]:
        return ""
    if now[0] * usual[1] >= DROP * usual[0] * now[1]:
        return ""
    return f"{share(*now)}; in seven days {share(*usual)}."


def _delivered(counts: Counts) -> tuple[int, int]:
    return counts.of(DELIVERED), counts.calls


def _approved(counts: Counts) -> tuple[int, int]:
    return counts.of(APPROVED), counts[STARTED]


def _dry_run(names: frozenset[str]) -> Finding:
    return Finding(
        Level.WARNING,
        "Limits in dry run bound nothing",
        ", ".join(sorted(names)),
        "Take them out of GUARDS_DRY_RUN once you have seen what they would refuse.",
        "refused",
    )
