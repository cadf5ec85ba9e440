"""The rows of limits over many numbers that are full."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from verify_service.domain.blocked_row import Blocked, pumping_remedy, stop_command
from verify_service.domain.counts import Period
from verify_service.domain.diagnosis import LimitUsage
from verify_service.domain.durations import format_duration
from verify_service.domain.finding import COMMAND, Level
from verify_service.domain.limits import APP, CLIENT_IP, COUNTRY, DAY_TOTAL, KNOWN_DEVICE, PREFIX

_LIMITS_OF_FEW = {PREFIX, KNOWN_DEVICE, CLIENT_IP}
_RUNBOOKS = {
    PREFIX: "verifylimitrefuses",
    KNOWN_DEVICE: "verifylimitrefuses",
    CLIENT_IP: "verifylimitrefuses",
    COUNTRY: "verifylimitnearlyusedup",
    APP: "verifylimitnearlyusedup",
    DAY_TOTAL: "verifydaynearlyusedup",
}
EVERY_NUMBER = "every number"


def full_limit_row(full: LimitUsage, hours: Sequence[Period], *, dry_run: bool) -> Blocked:
    """Return the row of a limit that is full.

    Args:
        full: Its usage.
        hours: The counts of the last hours, the oldest first.
        dry_run: Whether it only counts.
    """
    of_prefix = full.limit == PREFIX
    limited = f"{full.scope} is limited: {_newest_starts(full)}, someone may earn from them"
    return Blocked(
        level=Level.WARNING if dry_run or full.limit in _LIMITS_OF_FEW else Level.BAD,
        scope=full.scope or EVERY_NUMBER,
        state="too many starts (dry run)" if dry_run else "too many starts",
        who=f"the limit `{full.limit}`",
        why=usage_sentences(full),
        remedy=pumping_remedy(full.scope) if of_prefix else "",
        command=f"{COMMAND} reset {full.limit} {full.scope}".rstrip(),
        stop=stop_command(full.scope) if of_prefix else "",
        title=limited if of_prefix and not dry_run else "",
        seconds=max((use.frees for use in full.full), default=0),
        since=_refusing_since(full, hours),
        runbook=_RUNBOOKS[full.limit],
        is_full_limit=True,
    )


def usage_sentences(full: LimitUsage) -> str:
    """Return how full its windows are, and how many starts were approved if that is counted."""
    used = " and ".join(
        f"{use.used} of {use.window.count} starts in {format_duration(use.window.seconds)}"
        for use in full.full
    )
    if not full.started:
        return f"{used}."
    return f"{used}. Of its last {full.started} starts, {full.approved} were approved."


def _newest_starts(full: LimitUsage) -> str:
    """Return the starts of the shortest full window."""
    use = min(full.full, key=lambda one: one.window.seconds)
    return f"{use.used} starts in {format_duration(use.window.seconds)}"


def _refusing_since(full: LimitUsage, hours: Sequence[Period]) -> int:
    """Return the beginning of the first of the hours in a row in which it refused starts."""
    refusing = list(takewhile(lambda hour: _refused(full, hour), reversed(hours[:-1])))
    present = [hours[-1]] if hours and _refused(full, hours[-1]) else []
    run = [*present, *refusing]
    return run[-1].begin * 1000 if run else 0


def _refused(full: LimitUsage, hour: Period) -> int:
    if full.limit == DAY_TOTAL:
        return hour.tally.counts[f"refused.{DAY_TOTAL}"]
    return hour.tally.scopes[full.limit, full.scope]
