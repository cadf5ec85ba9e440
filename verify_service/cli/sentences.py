"""What the commands print of numbers and of what is held, for somebody who was just woken up."""

from __future__ import annotations

from collections.abc import Iterator

from verify_service.cli.durations import span
from verify_service.domain.diagnosis import (
    Callers,
    DeviceBudget,
    Diagnosis,
    Refusal,
    Restriction,
    WindowUsage,
)
from verify_service.domain.limits import CONVERSION, DESTINATION, KNOWN_DEVICE, WideLimits
from verify_service.domain.scopes import prefix_of

_ORDINALS = ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_REFUSE = {
    "pause": "all calls are paused by the operator",
    "breaker": "all calls are paused by the breaker, since the provider fails",
    "rule": "the operator blocks {}",
    CONVERSION: "the conversion guard blocks {}",
}
_WHOSE = {
    Callers.ALL: "Every start",
    Callers.STRANGERS: "Every stranger's start",
    Callers.DEVICES: "Every known device's start",
}
_PLACES = {KNOWN_DEVICE: "prefix, for known devices once it is full"}


def counted(count: int, word: str) -> str:
    """Return ``1 start`` or ``2 starts``."""
    plural = f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{count} {word if count == 1 else plural}"


def refusal_lines(found: Diagnosis, policy: WideLimits) -> Iterator[str]:
    """Yield the lines about what refuses the starts of a number."""
    dry = DESTINATION in policy.dry_run
    if found.destination and not dry:
        yield f"Every start is refused: {found.destination}"
    for refusal in found.refusals:
        yield f"{_WHOSE[refusal.callers]} is refused: {_refusal(refusal, found)}"
    if not found.refusals and (dry or not found.destination):
        yield "Nothing that all numbers share refuses a start."
    if found.destination and dry:
        yield f"  destination: dry run, else refused. {found.destination}"


def usage_lines(found: Diagnosis, policy: WideLimits) -> Iterator[str]:
    """Yield the lines about the limits that a number shares with others."""
    if found.allowed:
        yield f"  prefix: allowed by the operator, {span(found.allowed)} more"
    for limit, app, use in found.uses:
        dry = " (dry run)" if limit in policy.dry_run else ""
        place = f"app {app}" if app else _PLACES.get(limit, limit)
        yield f"  {place}: {_use(use, 'start')}{dry}"
    for share in found.shares:
        if share.started:
            yield f"  conversion, {share.limit}: {_got_in(share.started, share.approved)}"


def budget_lines(budget: DeviceBudget, lock_after: int) -> Iterator[str]:
    """Yield the lines about one budget; what a start waits for comes first.

    Args:
        budget: What to show.
        lock_after: Wrong guesses in a row that lock it.
    """
    name = f"Known device {budget.device}" if budget.device else "Strangers"
    if budget.wait:
        yield f"{name}: a start waits {span(budget.wait.seconds)} ({budget.wait.limit})."
    else:
        yield f"{name}: no limit of the number's own refuses a start."
    for use in budget.starts:
        yield f"  {_use(use, 'start')}"
    for use in budget.guesses:
        yield f"  {_use(use, 'wrong guess')}"
    wrong = counted(lock_after, "wrong guess")
    yield f"  {budget.failures_in_a_row} of {wrong} in a row, until it is locked"


def restriction_line(held: Restriction) -> str:
    """Return the line of something that is blocked, allowed, paused or under alarm."""
    more = f"{span(held.seconds)} more"
    if held.kind == "pause":
        return _pause_line(held, more)
    if held.who == "operator":
        return f"{held.place}: {held.kind}ed by the operator, {more}"
    who = "" if held.who == held.place else f" by {held.who}"
    form, rest = {
        "block": (f"blocked{who}", f"{_turn(held.level)}, {more}"),
        "would-block": (f"would be blocked{who}, but for the dry run", ""),
        "alarm": (f"alarm{who}", f"; not repeated for {span(held.seconds)}"),
    }[held.kind]
    return f"{held.place}: {form}{_evidence(held)}{rest}"


def _pause_line(held: Restriction, more: str) -> str:
    if held.who == "breaker":
        tries = f"a start tries in {span(held.seconds)}" if held.seconds else "the next start tries"
        return f"all calls: paused by the breaker, until the provider works again; {tries}"
    return f"all calls: paused by the operator, {more}"


def _refusal(refusal: Refusal, found: Diagnosis) -> str:
    form = _REFUSE.get(refusal.limit, f"the limit `{refusal.limit}` is full")
    place = "its prefix" if refusal.place == prefix_of(found.number) else "its country"
    if refusal.limit == "rule":
        place = f"its first {len(refusal.place) - 1} digits"
    more = f", {span(refusal.seconds)} more" if refusal.seconds else ""
    return f"{form.format(place)}{more}."


def _use(use: WindowUsage, word: str) -> str:
    length = span(use.window.seconds)
    frees = f"; room for one more in {span(use.frees)}" if use.full else ""
    if use.used and not use.full:
        frees = f"; the oldest counts for {span(use.frees)} more"
    return f"{use.used} of {counted(use.window.count, word)} in {length}{frees}"


def _evidence(held: Restriction) -> str:
    if not held.total:  # written by an earlier release
        return ""
    if held.who == CONVERSION:
        return f": {_got_in(held.total, held.count)}"
    return f": {held.count} of {counted(held.total, 'guess')} were wrong"


def _got_in(started: int, approved: int) -> str:
    return f"{approved} of {counted(started, 'start')} got in"


def _turn(level: int) -> str:
    """Return which block in a row it is, where it is not the first."""
    if level < 2:
        return ""
    known = level - 2 < len(_ORDINALS)
    return f", {_ORDINALS[level - 2]} block in a row" if known else f", block {level} in a row"
