"""What the commands print of numbers and of what is held, for somebody who was just woken up."""

from __future__ import annotations

from collections.abc import Iterator

from verify_service.cli.durations import span
from verify_service.guards.limits import CONVERSION, DESTINATION, KNOWN
from verify_service.guards.outlook import (
    BREAKER,
    PAUSE,
    RULE,
    Held,
    Lane,
    Obstacle,
    Outlook,
    Use,
)

_ORDINALS = ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_REFUSE = {
    PAUSE: "all calls are paused by the operator",
    BREAKER: "all calls are paused by the breaker, since the provider fails",
    RULE: "the operator blocks {}",
    CONVERSION: "the conversion guard blocks {}",
    DESTINATION: "{}",
}
_PLACES = {KNOWN: "prefix, for known devices once it is full"}


def counted(count: int, word: str) -> str:
    """Return ``1 start`` or ``2 starts``."""
    plural = f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{count} {word if count == 1 else plural}"


def surroundings(outlook: Outlook) -> Iterator[str]:
    """Yield the lines about what every start of a number meets."""
    obstacles = list(outlook.obstacles())
    if not obstacles:
        yield "Nothing that all numbers share refuses a start."
    for obstacle in obstacles:
        whose = "Every stranger's start" if obstacle.strangers else "Every start"
        yield f"{whose} is refused: {_refusal(obstacle)}"
    if outlook.refused and not any(one.words == outlook.refused for one in obstacles):
        yield f"  destination: dry run, else refused. {outlook.refused}"
    if outlook.rule and outlook.rule.kind == "allow":
        yield f"  prefix: allowed by the operator, {span(outlook.rule.seconds)} more"
    for limit, app, use in outlook.uses:
        dry = " (dry run)" if limit in outlook.policy.dry_run else ""
        place = f"app {app}" if app else _PLACES.get(limit, limit)
        yield f"  {place}: {_use(use, 'start')}{dry}"
    for share in outlook.shares:
        if share.started:
            yield f"  conversion, {share.limit}: {_got_in(share.started, share.approved)}"


def lane_lines(lane: Lane, lock_after: int) -> Iterator[str]:
    """Yield the lines about one lane; what bars it comes first.

    Args:
        lane: What to show.
        lock_after: Wrong guesses in a row that lock it.
    """
    name = f"Known device {lane.device}" if lane.device else "Strangers"
    if lane.wait:
        yield f"{name}: a start waits {span(lane.wait.seconds)} ({lane.wait.limit})."
    else:
        yield f"{name}: no limit of the number's own refuses a start."
    for use in lane.starts:
        yield f"  {_use(use, 'start')}"
    for use in lane.guesses:
        yield f"  {_use(use, 'wrong guess')}"
    yield f"  {lane.run} of {counted(lock_after, 'wrong guess')} in a row, until it is locked"


def held_line(held: Held) -> str:
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
        "alarm": (f"alarm{who}", f"; told again in {span(held.seconds)} at the earliest"),
    }[held.kind]
    return f"{held.place}: {form}{_evidence(held)}{rest}"


def _pause_line(held: Held, more: str) -> str:
    if held.who == BREAKER:
        return "all calls: paused by the breaker, until the provider works again"
    return f"all calls: paused by the operator, {more}"


def _refusal(obstacle: Obstacle) -> str:
    form = _REFUSE.get(obstacle.what, f"the limit `{obstacle.what}` is full")
    more = f", {span(obstacle.seconds)} more" if obstacle.seconds else ""
    return f"{form.format(obstacle.words.removesuffix('.'))}{more}."


def _use(use: Use, word: str) -> str:
    length = span(use.window.seconds)
    frees = f"; room for one more in {span(use.frees)}" if use.full else ""
    if use.used and not use.full:
        frees = f"; the oldest counts for {span(use.frees)} more"
    return f"{use.used} of {counted(use.window.count, word)} in {length}{frees}"


def _evidence(held: Held) -> str:
    if not held.of:  # written by an earlier release
        return ""
    if held.who == CONVERSION:
        return f": {_got_in(held.of, held.were)}"
    return f": {held.were} of {counted(held.of, 'guess')} were wrong"


def _got_in(started: int, approved: int) -> str:
    return f"{approved} of {counted(started, 'start')} got in"


def _turn(level: int) -> str:
    """Return which block in a row it is, where it is not the first."""
    if level < 2:
        return ""
    known = level - 2 < len(_ORDINALS)
    return f", {_ORDINALS[level - 2]} block in a row" if known else f", block {level} in a row"
