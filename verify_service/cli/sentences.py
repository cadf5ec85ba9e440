"""The sentences of the commands: what holds, for how long, and which command ends it.

None contains a whole number, or a prefix beside a masked number: together they would show nine
digits of eleven.
"""

from __future__ import annotations

from collections.abc import Iterator

from verify_service.domain.diagnosis import (
    Callers,
    DeviceBudget,
    Diagnosis,
    LimitUsage,
    Refusal,
    Restriction,
    WindowUsage,
)
from verify_service.domain.durations import format_duration
from verify_service.domain.limits import (
    CONVERSION,
    COUNTRY,
    DAY_TOTAL,
    DESTINATION,
    GUESS_BUDGETS,
    KNOWN_DEVICE,
    LOCK_SECONDS,
    PREFIX,
    WideLimits,
)
from verify_service.domain.models import Wait
from verify_service.domain.scopes import prefix_of

_ORDINALS = ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_CALLERS = {
    Callers.ALL: "Every start",
    Callers.STRANGERS: "Every stranger's start",
    Callers.DEVICES: "Every known device's start",
}
_LIMIT_NAMES = {KNOWN_DEVICE: "prefix, for known devices once it is full"}
_HOW_LIMITS_END = {
    PREFIX: "`allow` exempts the prefix, `reset prefix` has it count from zero.",
    COUNTRY: "STARTS_PER_COUNTRY sets the limit, `reset country` has it count from zero.",
    DAY_TOTAL: "STARTS_PER_DAY sets the limit, `reset day` has it count from zero.",
}


def counted(count: int, noun: str) -> str:
    """Return ``1 start`` or ``2 starts``."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def refusal_lines(diagnosis: Diagnosis, limits: WideLimits) -> Iterator[str]:
    """Yield what refuses the starts of a number beside its own limits."""
    dry_run = DESTINATION in limits.dry_run
    if diagnosis.destination and not dry_run:
        yield f"Every start is refused: {diagnosis.destination}"
    for refusal in diagnosis.refusals:
        yield f"{_CALLERS[refusal.callers]} is refused: {_refusal(refusal, diagnosis)}"
    if not diagnosis.refusals and (dry_run or not diagnosis.destination):
        yield "No pause, block or shared limit refuses a start."
    if diagnosis.destination and dry_run:
        yield f"  destination (dry run), would refuse every start: {diagnosis.destination}"


def usage_lines(diagnosis: Diagnosis, limits: WideLimits) -> Iterator[str]:
    """Yield how full the limits are that a number shares with others."""
    if diagnosis.allowed:
        yield f"  prefix: allowed by the operator for {format_duration(diagnosis.allowed)} more"
    for limit, app, usage in diagnosis.uses:
        name = f"app {app}" if app else _LIMIT_NAMES.get(limit, limit)
        dry_run = " (dry run)" if limit in limits.dry_run else ""
        yield f"  {name}: {_usage(usage, 'start')}{dry_run}"
    for share in diagnosis.shares:
        if share.started:
            yield f"  conversion, {share.limit}: {_approved(share.started, share.approved)}"


def budget_lines(budget: DeviceBudget, lock_after: int) -> Iterator[str]:
    """Yield one budget of a number, what a start waits for first.

    Args:
        budget: The strangers' or a known device's.
        lock_after: The wrong guesses in a row that lock it.
    """
    caller = f"Known device {budget.device}" if budget.device else "Strangers"
    yield f"{caller}: {_wait(budget.wait)}"
    for usage in budget.starts:
        yield f"  {_usage(usage, 'start')}"
    for usage in budget.guesses:
        yield f"  {_usage(usage, 'wrong guess')}"
    lock = f"{lock_after} lock it for {format_duration(LOCK_SECONDS)}"
    yield f"  {counted(budget.failures_in_a_row, 'wrong guess')} in a row; {lock}"


def restriction_line(restriction: Restriction) -> str:
    """Return what is blocked, allowed, paused or under alarm, and what ends it.

    ``unblock`` takes the part before the colon.
    """
    scope, guard = restriction.scope, restriction.who
    by = "" if guard == scope else f" by {guard}"
    more = f"for {format_duration(restriction.seconds)} more"
    evidence, ends = _evidence(restriction), f"`unblock {scope}` ends it"
    match restriction.kind:
        case "pause":
            return f"all calls: {_pause(restriction, more)}"
        case "allow" | "block" if guard == "operator":
            return f"{scope}: {restriction.kind}ed by the operator {more}; {ends}"
        case "block":
            return f"{scope}: blocked{by} {more}{_in_a_row(restriction.level)}{evidence}; {ends}"
        case "off":
            return f"{scope}: no event is posted {more}, after a 410; `webhook on {scope}` ends it"
        case "would-block":
            return f"{scope}: would be blocked{by} without the dry run{evidence}"
        case _:
            return f"{scope}: alarm{by}{evidence}; not repeated {more}"


def full_limit_line(full: LimitUsage, *, dry_run: bool) -> str:
    """Return which limit is full, until when, and what ends it."""
    name, limit = _LIMIT_NAMES.get(full.limit, full.limit), full.limit
    scope = f"{full.scope}: " if full.scope else "every number: "
    windows = " and ".join(_usage(window, "start") for window in full.full)
    if limit == KNOWN_DEVICE:
        limit = PREFIX
    ends = f"`reset {limit} {full.scope}".rstrip() + "` ends it"
    return f"{scope}the limit `{name}` is full{' (dry run)' if dry_run else ''}: {windows}; {ends}"


def _pause(restriction: Restriction, more: str) -> str:
    if restriction.who != "breaker":
        return f"paused by the operator {more}; `resume` ends it"
    probe = "the next start tries it"
    if restriction.seconds:
        probe = f"a start tries it in {format_duration(restriction.seconds)}"
    return f"paused by the breaker until the provider works again; {probe}; `resume` ends it now"


def _refusal(refusal: Refusal, diagnosis: Diagnosis) -> str:
    more = f"for {format_duration(refusal.seconds)} more"
    is_prefix = refusal.scope == prefix_of(diagnosis.number)
    match refusal.limit:
        case "pause":
            return f"the operator paused all calls {more}. `resume` ends the pause."
        case "breaker":
            probe = f"a start tries it in {format_duration(refusal.seconds)}"
            cause = "the breaker paused all calls because the provider fails"
            return f"{cause}; {probe}. `resume` ends the pause."
        case "rule":
            digits = len(refusal.scope) - 1
            return f"the operator blocks its first {digits} digits {more}. `unblock` ends it."
        case limit if limit == CONVERSION:
            scope = "prefix" if is_prefix else "country"
            return f"the conversion guard blocks its {scope} {more}. `unblock` or `allow` ends it."
        case limit:
            return f"the limit `{limit}` is full {more}. {_HOW_LIMITS_END.get(limit, '')}".rstrip()


def _wait(wait: Wait | None) -> str:
    if wait is None:
        return "no limit of this number refuses a start."
    possible = f"the next start is possible in {format_duration(wait.seconds)} (`{wait.limit}`)."
    return f"{possible} `unlock` ends it." if wait.limit in GUESS_BUDGETS else possible


def _usage(usage: WindowUsage, noun: str) -> str:
    span, frees = format_duration(usage.window.seconds), format_duration(usage.frees)
    state = f"{usage.used} of {counted(usage.window.count, noun)} in {span}"
    if usage.full:
        return f"{state}; room for one more in {frees}"
    return f"{state}; the oldest counts for {frees} more" if usage.used else state


def _evidence(restriction: Restriction) -> str:
    if not restriction.total:  # written by an earlier release
        return ""
    if restriction.who == CONVERSION:
        return f": {_approved(restriction.total, restriction.count)}"
    return f": {restriction.count} of {counted(restriction.total, 'guess')} wrong"


def _approved(started: int, approved: int) -> str:
    return f"{approved} of {counted(started, 'start')} approved"


def _in_a_row(level: int) -> str:
    """Return which block in a row it is; nothing for the first."""
    if level < 2:
        return ""
    known = level - 2 < len(_ORDINALS)
    return f", {_ORDINALS[level - 2]} block in a row" if known else f", block {level} in a row"
