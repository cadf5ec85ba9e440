"""What strangers can close for others: how many calls it takes, from how many addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from verify_service.cli.attack_bounds import DRY, UNLIMITED, AttackBounds
from verify_service.domain.limits import (
    APP,
    BUCKETS,
    CLIENT_IP,
    CONVERSION,
    CONVERSION_SECONDS,
    COUNTRY,
    DAY_TOTAL,
    FIRST_BLOCK_SECONDS,
    HOUR,
    LONGEST_BLOCK_SECONDS,
    PREFIX,
    ConversionThreshold,
)
from verify_service.domain.models import Window

PLACES = {
    PREFIX: "a prefix, for strangers",
    COUNTRY: "a country, for everybody",
    APP: "an app, for everybody",
    DAY_TOTAL: "all calls, for everybody",
}
AROUND = {PREFIX: (COUNTRY, DAY_TOTAL), COUNTRY: (DAY_TOTAL,), APP: (DAY_TOTAL,), DAY_TOTAL: ()}
"""What may be full before, whatever the attacker does. (There may be many apps.)"""


@dataclass(frozen=True, slots=True)
class Lockout:
    """One thing that can be closed.

    Attributes:
        place: What, and for whom.
        limit: By which limit or guard.
        span: For how long, in words.
        calls: How many it takes at least; None: it cannot be closed so.
        addresses: Client addresses that so many calls take at least.
        lack: Why it cannot.
    """

    place: str
    limit: str
    span: str
    calls: int | None
    addresses: int = 0
    lack: str = ""


def lockouts(bounds: AttackBounds) -> Iterator[Lockout]:
    """Return all that can be closed, from the narrowest place to the widest."""
    wide = bounds.wide
    yield from _by_windows(bounds, PREFIX)
    yield from _by_conversion(bounds, PLACES[PREFIX], wide.conversion_prefix, PREFIX)
    yield from _by_windows(bounds, COUNTRY)
    if wide.conversion_country.blocks:
        place = "a country, for strangers"
        yield from _by_conversion(bounds, place, wide.conversion_country, COUNTRY)
    yield from _by_windows(bounds, APP)
    yield from _by_windows(bounds, DAY_TOTAL)


def remembered(windows: tuple[Window, ...], seconds: int) -> int | None:
    """Return how many of the events that one window still counts others can have let through.

    A window counts in pieces, so it may remember for a piece longer than it is. Another one of the
    same length has the same pieces.
    """
    longest = seconds + -(-seconds // BUCKETS)
    counts = (
        window.count * (1 if window.seconds == seconds else -(-longest // window.seconds))
        for window in windows
    )
    return min(counts, default=None)


def _by_windows(bounds: AttackBounds, limit: str) -> Iterator[Lockout]:
    place, windows = PLACES[limit], bounds.in_force(limit)
    if not windows:
        lack = DRY if limit in bounds.wide.dry_run else UNLIMITED
        yield Lockout(place, limit, "", None, lack=lack)
    for window in windows:
        whole = Lockout(place, limit, _words(window.seconds), window.count)
        yield _possible(bounds, whole, window.seconds, AROUND[limit])


def _by_conversion(
    bounds: AttackBounds, place: str, guard: ConversionThreshold, where: str
) -> Iterator[Lockout]:
    dry = CONVERSION in bounds.wide.dry_run
    if dry or not guard.blocks:
        yield Lockout(place, CONVERSION, "", None, lack=DRY if dry else "alarm only")
        return
    span = f"{_words(FIRST_BLOCK_SECONDS)}, then twice as long … {_words(LONGEST_BLOCK_SECONDS)}"
    whole = Lockout(place, CONVERSION, span, guard.least)
    seconds = CONVERSION_SECONDS + bounds.wide.code_ttl
    yield _possible(bounds, whole, seconds, (where, *AROUND[where]))


def _possible(
    bounds: AttackBounds, closing: Lockout, seconds: int, around: tuple[str, ...]
) -> Lockout:
    """Return it with its addresses; or why it cannot be, where something else is full before."""
    calls = closing.calls or 0
    for other in around:
        let = remembered(bounds.in_force(other), seconds)
        if let is not None and let < calls:
            return replace(closing, calls=None, lack=f"`{other}` is full before")
    one = remembered(bounds.in_force(CLIENT_IP), seconds) or calls
    return replace(closing, addresses=-(-calls // one))


def _words(seconds: int) -> str:
    hours, rest = divmod(seconds, HOUR)
    return f"{seconds} s" if rest else f"{hours} h"
