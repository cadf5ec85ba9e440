"""What is blocked, paused, under alarm or full: one row each, with the command that ends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from verify_service.domain.counts import WEBHOOK, Period
from verify_service.domain.diagnosis import LimitUsage, Restriction
from verify_service.domain.durations import format_duration
from verify_service.domain.finding import COMMAND, Level
from verify_service.domain.limits import (
    APP,
    CLIENT_IP,
    CONVERSION,
    COUNTRY,
    DAY_TOTAL,
    KNOWN_DEVICE,
    PREFIX,
)
from verify_service.domain.operator import FAILURE_RATE
from verify_service.domain.situation import Situation

_PUMPED = (
    "So many calls to 10,000 numbers are rarely people: someone may earn from them. If they are "
    "people, `{command} allow {scope}` exempts the prefix."
)
_COUNTRY_BLOCKED = (
    "Every start of the country is refused, but those of known devices. Block the prefixes that "
    "someone earns from, and end this block."
)
_OFF = (
    "Logins work; the login flow learns of changes when it asks. Ask who runs it why it wants no "
    "events: a receiver that is removed answers 410."
)
_LIMITS_OF_FEW = {PREFIX, KNOWN_DEVICE, CLIENT_IP}
THE_BREAKER = "the breaker"
_WHO = {"operator": "the operator", "breaker": THE_BREAKER, WEBHOOK: "the receiver"}
_RUNBOOKS = {
    "breaker": "verifybreakeropen",
    CONVERSION: "verifyconversionguard",
    FAILURE_RATE: "verifyspraying",
    WEBHOOK: "verifywebhookoff",
    PREFIX: "verifylimitrefuses",
    KNOWN_DEVICE: "verifylimitrefuses",
    CLIENT_IP: "verifylimitrefuses",
    COUNTRY: "verifylimitnearlyusedup",
    APP: "verifylimitnearlyusedup",
    DAY_TOTAL: "verifydaynearlyusedup",
}
"""By what set it: a guard, a limit, the breaker, a receiver."""
ALL_CALLS, EVERY_NUMBER, BLOCKED = "all calls", "every number", "blocked"


@dataclass(frozen=True, slots=True)
class Blocked:
    """A restriction, or a limit that is full.

    Attributes:
        level: How urgent it is.
        scope: What it concerns: a prefix, a country, an app, the digest of a client's network.
        state: ``blocked``, ``paused`` …
        who: Who set it: the operator, a guard, a limit or the breaker.
        why: The evidence.
        remedy: What the operator considers.
        command: Ends it; empty if it ends by itself alone.
        stop: Stops the calls of a prefix for longer than a limit or a guard does; empty if nothing
            suggests that they are no people's.
        title: In a few words; empty if scope and state say it.
        seconds: Until it ends; 0 if that is open.
        since: Unixtime in milliseconds; 0 if it is not known.
        runbook: The section of docs/operate.md; empty if there is none.
        by_hour: Whether ``since`` is the beginning of the hour in which it began.
    """

    level: Level
    scope: str
    state: str
    who: str
    why: str
    remedy: str
    command: str = ""
    stop: str = ""
    title: str = ""
    seconds: int = 0
    since: int = 0
    runbook: str = ""
    by_hour: bool = False

    @property
    def stops_starts(self) -> bool:
        """Whether the command lets starts through again: a block's, or a full limit's."""
        return self.state == BLOCKED or self.by_hour


def blocked_rows(situation: Situation) -> list[Blocked]:
    """Return the rows, the most urgent first.

    What a limit or a guard refuses of a prefix is part of the operator's rule for it, if there is
    one.
    """
    rules = [one for one in situation.restrictions if one.who == "operator" and one.scope]
    hours, dry_run = situation.hours, situation.dry_run
    rows = [
        _restricted(one, situation.full_limits)
        for one in situation.restrictions
        if one.who == "operator" or not _ruled(one.scope, rules)
    ]
    rows += [
        _full(one, hours, one.limit in dry_run)
        for one in situation.full_limits
        if not _ruled(one.scope, rules)
    ]
    return sorted(rows, key=lambda row: row.level)


def _ruled(scope: str, rules: Sequence[Restriction]) -> bool:
    """Return whether the operator has blocked or exempted a whole prefix."""
    return any(scope.startswith(rule.scope) for rule in rules)


def _restricted(one: Restriction, full_limits: Sequence[LimitUsage]) -> Blocked:
    by_operator = one.who == "operator"
    match one.kind:
        case "pause" if by_operator:
            state, level = "paused", Level.BAD
            remedy = "The operator paused them; checks go on."
        case "pause":
            state, level = "paused until the provider works again", Level.BAD
            remedy = f"{_probe(one.seconds)} tries the provider; the pause ends if that succeeds."
        case "allow":
            state, level, remedy = "exempt from the guards", Level.NOTE, ""
        case "block":
            state, level = BLOCKED, Level.NOTE if by_operator else _level_of(one.scope)
            remedy = "" if by_operator else _remedy(one.scope)
        case "off":
            state, level, remedy = "no event is posted", Level.WARNING, _OFF
        case "would-block":
            state, level, remedy = "would be blocked without the dry run", Level.WARNING, ""
        case _:
            state, level = "alarm", Level.BAD
            remedy = "`block` a prefix, or `pause` all calls, if someone runs up the bill."
    return Blocked(
        level=level,
        scope=one.scope or ALL_CALLS,
        state=state,
        who=_WHO.get(one.who, one.who),
        why=_evidence(one, full_limits),
        remedy=remedy,
        command=_command(one),
        stop=_stop(one.scope) if state == BLOCKED and not by_operator else "",
        seconds=0 if one.who == "breaker" else one.seconds,
        since=one.since,
        runbook=_runbook(one),
    )


def _probe(seconds: int) -> str:
    return f"In {format_duration(seconds)} one start" if seconds else "The next start"


def _level_of(scope: str) -> Level:
    """A prefix is 10,000 numbers. A country is all of its people."""
    return Level.WARNING if _is_prefix(scope) else Level.BAD


def _is_prefix(scope: str) -> bool:
    return scope.startswith("+")


def _command(one: Restriction) -> str:
    if one.kind == "would-block":
        return ""
    if one.kind == "pause":
        return f"{COMMAND} resume"
    if one.kind == "off":
        return f"{COMMAND} webhook on {one.scope}"
    return f"{COMMAND} unblock {one.scope}"


def _remedy(scope: str) -> str:
    return _PUMPED.format(scope=scope, command=COMMAND) if _is_prefix(scope) else _COUNTRY_BLOCKED


def _stop(scope: str) -> str:
    """Return the command; there is none for a country."""
    return f"{COMMAND} block {scope} --for 1d" if _is_prefix(scope) else ""


def _runbook(one: Restriction) -> str:
    if one.who == "operator":
        return "verifycallspaused" if one.kind == "pause" else ""
    return _RUNBOOKS.get(one.who, "")


def _evidence(one: Restriction, full_limits: Sequence[LimitUsage]) -> str:
    if one.who == "operator" and one.scope:
        parts = [full for full in full_limits if full.scope.startswith(one.scope)]
        return " ".join(f"{full.scope}: {_usage(full)}" for full in parts)
    if one.who == "breaker":
        return "Calls failed in a row."
    if one.who == WEBHOOK:
        return "It answered 410 to an event."
    if not one.total:
        return ""
    if one.who == CONVERSION:
        again = f", block {one.level} in a row" if one.level > 1 else ""
        return f"{one.count} of {one.total} starts led to a login{again}."
    return f"{one.count} of {one.total} guesses were wrong."


def _full(full: LimitUsage, hours: Sequence[Period], dry_run: bool) -> Blocked:
    of_prefix = full.limit == PREFIX
    limited = f"{full.scope} is limited: {_most(full)}, someone may earn from them"
    return Blocked(
        level=Level.WARNING if dry_run or full.limit in _LIMITS_OF_FEW else Level.BAD,
        scope=full.scope or EVERY_NUMBER,
        state="too many starts (dry run)" if dry_run else "too many starts",
        who=f"the limit `{full.limit}`",
        why=_usage(full),
        remedy=_remedy(full.scope) if of_prefix else "",
        command=f"{COMMAND} reset {full.limit} {full.scope}".rstrip(),
        stop=_stop(full.scope) if of_prefix else "",
        title=limited if of_prefix and not dry_run else "",
        seconds=max((use.frees for use in full.full), default=0),
        since=_refusing_since(full, hours),
        runbook=_RUNBOOKS[full.limit],
        by_hour=True,
    )


def _most(full: LimitUsage) -> str:
    """Return the starts of the shortest full window: they are the newest."""
    use = min(full.full, key=lambda one: one.window.seconds)
    return f"{use.used} starts in {format_duration(use.window.seconds)}"


def _usage(full: LimitUsage) -> str:
    used = " and ".join(
        f"{use.used} of {use.window.count} starts in {format_duration(use.window.seconds)}"
        for use in full.full
    )
    if not full.started:
        return f"{used}."
    return f"{used}. Of its last {full.started} starts, {full.approved} were approved."


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
