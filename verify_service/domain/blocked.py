"""What is blocked, paused, under alarm or full: one row each, with the command that ends it."""

from __future__ import annotations

from collections.abc import Sequence

from verify_service.domain.blocked_row import BLOCKED, Blocked, pumping_remedy, stop_command
from verify_service.domain.counts import WEBHOOK
from verify_service.domain.diagnosis import LimitUsage, Restriction
from verify_service.domain.durations import format_duration
from verify_service.domain.finding import COMMAND, Level
from verify_service.domain.full_limits import full_limit_row, usage_sentences
from verify_service.domain.limits import CONVERSION
from verify_service.domain.operator import FAILURE_RATE
from verify_service.domain.situation import Situation

_COUNTRY_BLOCKED = (
    "Every start of the country is refused, but those of known devices. Block the prefixes that "
    "someone earns from, and end this block."
)
_ALARM = "`block` a prefix, or `pause` all calls, if someone runs up the bill."
_OFF = (
    "Logins work; the login flow learns of changes when it asks. Ask who runs it why it wants no "
    "events: a receiver that is removed answers 410."
)
ALL_CALLS = "all calls"
_WHO = {"operator": "the operator", "breaker": "the breaker", WEBHOOK: "the receiver"}
_RUNBOOKS = {
    "breaker": "verifybreakeropen",
    CONVERSION: "verifyconversionguard",
    FAILURE_RATE: "verifyspraying",
    WEBHOOK: "verifywebhookoff",
}


def blocked_rows(situation: Situation) -> list[Blocked]:
    """Return the rows, the most urgent first.

    If the operator has a rule for a prefix, what limits and guards refuse of it is part of the
    rule's row.
    """
    full_limits, dry_run = situation.full_limits, situation.dry_run
    rules = [one for one in situation.restrictions if _by_operator(one) and one.scope]
    rows = [
        _restriction_row(one, full_limits)
        for one in situation.restrictions
        if _by_operator(one) or not _has_rule(one.scope, rules)
    ]
    rows += [
        full_limit_row(one, situation.hours, dry_run=one.limit in dry_run)
        for one in full_limits
        if not _has_rule(one.scope, rules)
    ]
    return sorted(rows, key=lambda row: row.level)


def _by_operator(one: Restriction) -> bool:
    return one.who == "operator"


def _by_breaker(one: Restriction) -> bool:
    return one.who == "breaker"


def _has_rule(scope: str, rules: Sequence[Restriction]) -> bool:
    """Return whether the operator has blocked or exempted a whole prefix."""
    return any(scope.startswith(rule.scope) for rule in rules)


def _restriction_row(one: Restriction, full_limits: Sequence[LimitUsage]) -> Blocked:
    level, state, remedy = _assessed(one)
    suspicious = state == BLOCKED and not _by_operator(one) and _is_prefix(one.scope)
    return Blocked(
        level=level,
        scope=one.scope or ALL_CALLS,
        state=state,
        who=_WHO.get(one.who, one.who),
        why=_evidence(one, full_limits),
        remedy=remedy,
        command=_command(one),
        stop=stop_command(one.scope) if suspicious else "",
        seconds=0 if _by_breaker(one) else one.seconds,
        since=one.since,
        runbook=_runbook(one),
        is_breaker=_by_breaker(one),
    )


def _assessed(one: Restriction) -> tuple[Level, str, str]:
    """Return how urgent it is, its state, and what the operator considers."""
    match one.kind:
        case "pause":
            return Level.BAD, *_paused(one)
        case "allow":
            return Level.NOTE, "exempt from the guards", ""
        case "block":
            level, remedy = _blocked(one)
            return level, BLOCKED, remedy
        case "off":
            return Level.WARNING, "no event is posted", _OFF
        case "would-block":
            return Level.WARNING, "would be blocked without the dry run", ""
        case _:
            return Level.BAD, "alarm", _ALARM


def _paused(one: Restriction) -> tuple[str, str]:
    if _by_operator(one):
        return "paused", "The operator paused them; checks go on."
    start = f"In {format_duration(one.seconds)} one start" if one.seconds else "The next start"
    remedy = f"{start} tries the provider; the pause ends if that succeeds."
    return "paused until the provider works again", remedy


def _blocked(one: Restriction) -> tuple[Level, str]:
    if _by_operator(one):
        return Level.NOTE, ""
    if _is_prefix(one.scope):
        return Level.WARNING, pumping_remedy(one.scope)
    return Level.BAD, _COUNTRY_BLOCKED


def _is_prefix(scope: str) -> bool:
    """A prefix is 10,000 numbers. A country is all of its people."""
    return scope.startswith("+")


def _command(one: Restriction) -> str:
    match one.kind:
        case "would-block":
            return ""
        case "pause":
            return f"{COMMAND} resume"
        case "off":
            return f"{COMMAND} webhook on {one.scope}"
        case _:
            return f"{COMMAND} unblock {one.scope}"


def _runbook(one: Restriction) -> str:
    if _by_operator(one):
        return "verifycallspaused" if one.kind == "pause" else ""
    return _RUNBOOKS.get(one.who, "")


def _evidence(one: Restriction, full_limits: Sequence[LimitUsage]) -> str:
    if _by_operator(one) and one.scope:
        parts = [full for full in full_limits if full.scope.startswith(one.scope)]
        return " ".join(f"{full.scope}: {usage_sentences(full)}" for full in parts)
    if _by_breaker(one):
        return "Calls failed in a row."
    if one.who == WEBHOOK:
        return "It answered 410 to an event."
    if not one.total:
        return ""
    if one.who == CONVERSION:
        again = f", block {one.level} in a row" if one.level > 1 else ""
        return f"{one.count} of {one.total} starts led to a login{again}."
    return f"{one.count} of {one.total} guesses were wrong."
