"""Lockouts: how many calls, from how many addresses, use a shared limit up for everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from verify_service.cli.attack_bounds import DRY_RUN, NO_LIMIT, AttackBounds
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

SCOPES = {
    PREFIX: "a prefix, for strangers",
    COUNTRY: "a country, for everybody",
    APP: "an app, for everybody",
    DAY_TOTAL: "all calls, for everybody",
}
"""What each limit locks out, and for whom."""
WIDER_LIMITS = {
    PREFIX: (COUNTRY, DAY_TOTAL),
    COUNTRY: (DAY_TOTAL,),
    APP: (DAY_TOTAL,),
    DAY_TOTAL: (),
}
"""Limits in which every call with this scope counts too. An app's is none of a prefix's or a
country's: an attacker may use many apps."""


@dataclass(frozen=True, slots=True)
class Lockout:
    """One limit or guard that strangers can use up.

    Attributes:
        scope: What is locked out, and for whom.
        limit: The limit or guard that refuses.
        duration: How long it refuses, for the table.
        calls: The fewest calls that it takes; None if calls cannot do it.
        addresses: The fewest client addresses that so many calls take.
        impossible: Why calls cannot do it.
    """

    scope: str
    limit: str
    duration: str
    calls: int | None
    addresses: int = 0
    impossible: str = ""


def lockouts(bounds: AttackBounds) -> Iterator[Lockout]:
    """Yield all lockouts, from the narrowest scope to the widest."""
    wide = bounds.wide_limits
    yield from _by_windows(bounds, PREFIX)
    yield from _by_conversion(bounds, SCOPES[PREFIX], wide.conversion_prefix, PREFIX)
    yield from _by_windows(bounds, COUNTRY)
    if wide.conversion_country.blocks:
        scope = "a country, for strangers"
        yield from _by_conversion(bounds, scope, wide.conversion_country, COUNTRY)
    yield from _by_windows(bounds, APP)
    yield from _by_windows(bounds, DAY_TOTAL)


def most_counted(windows: tuple[Window, ...], seconds: int) -> int | None:
    """Return how many events the windows may have permitted of those that one window counts.

    A window counts in buckets, so it may count for a bucket longer than its span. Another window of
    the same span has the same buckets.

    Args:
        windows: Those that permit.
        seconds: The span of the window that counts.
    """
    longest = seconds + -(-seconds // BUCKETS)
    counts = (
        window.count * (1 if window.seconds == seconds else -(-longest // window.seconds))
        for window in windows
    )
    return min(counts, default=None)


def _by_windows(bounds: AttackBounds, limit: str) -> Iterator[Lockout]:
    scope, windows = SCOPES[limit], bounds.in_force(limit)
    if not windows:
        impossible = DRY_RUN if limit in bounds.wide_limits.dry_run else NO_LIMIT
        yield Lockout(scope, limit, "", None, impossible=impossible)
    for window in windows:
        lockout = Lockout(scope, limit, _duration(window.seconds), window.count)
        yield _with_addresses(bounds, lockout, window.seconds, WIDER_LIMITS[limit])


def _by_conversion(
    bounds: AttackBounds, scope: str, guard: ConversionThreshold, limit: str
) -> Iterator[Lockout]:
    dry_run = CONVERSION in bounds.wide_limits.dry_run
    if dry_run or not guard.blocks:
        impossible = DRY_RUN if dry_run else "alarm only"
        yield Lockout(scope, CONVERSION, "", None, impossible=impossible)
        return
    first, longest = _duration(FIRST_BLOCK_SECONDS), _duration(LONGEST_BLOCK_SECONDS)
    lockout = Lockout(scope, CONVERSION, f"{first}, then doubled up to {longest}", guard.least)
    seconds = CONVERSION_SECONDS + bounds.wide_limits.code_ttl
    yield _with_addresses(bounds, lockout, seconds, (limit, *WIDER_LIMITS[limit]))


def _with_addresses(
    bounds: AttackBounds, lockout: Lockout, seconds: int, wider_limits: tuple[str, ...]
) -> Lockout:
    """Return the lockout with its addresses, or with the wider limit that is full before."""
    calls = lockout.calls or 0
    for limit in wider_limits:
        most = most_counted(bounds.in_force(limit), seconds)
        if most is not None and most < calls:
            return replace(lockout, calls=None, impossible=f"`{limit}` is full before")
    per_address = most_counted(bounds.in_force(CLIENT_IP), seconds) or calls
    return replace(lockout, addresses=-(-calls // per_address))


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, HOUR)
    return f"{seconds} s" if rest else f"{hours} h"
