"""A row of what is blocked, paused, under alarm or full."""

from __future__ import annotations

from dataclasses import dataclass

from verify_service.domain.finding import COMMAND, Level

BLOCKED = "blocked"
_PUMPED = (
    "So many calls to 10,000 numbers are rarely people: someone may earn from them. If they are "
    "people, `{command} allow {prefix}` exempts the prefix."
)


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
        stop: Stops the calls to a prefix for longer than a limit or a guard does; empty if its
            calls are not suspicious.
        title: In a few words; empty if scope and state say it.
        seconds: Until it ends; 0 if that is open.
        since: Unixtime in milliseconds; 0 if it is not known.
        runbook: The section of docs/operate.md; empty if there is none.
        is_breaker: Whether it is the breaker's pause.
        is_full_limit: Whether it is a full limit. Then ``since`` is the beginning of an hour, and
            after ``seconds`` there is room for one more start.
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
    is_breaker: bool = False
    is_full_limit: bool = False

    @property
    def stops_starts(self) -> bool:
        """Whether the command lets starts through again: a block's, or a full limit's."""
        return self.state == BLOCKED or self.is_full_limit


def pumping_remedy(prefix: str) -> str:
    """Return what the operator considers about a prefix that is called very often."""
    return _PUMPED.format(prefix=prefix, command=COMMAND)


def stop_command(prefix: str) -> str:
    """Return the command that stops the calls to a prefix."""
    return f"{COMMAND} block {prefix} --for 1d"
