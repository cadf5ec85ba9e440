"""The default limits in words, for the guide at ``/docs``."""

from __future__ import annotations

from collections.abc import Mapping

from verify_service.domain.codes import FIRST, LAST
from verify_service.domain.limits import (
    CONVERSION,
    DAY,
    FIRST_BLOCK_SECONDS,
    IN_FLIGHT_MARGIN_SECONDS,
    KNOWN_DEVICE_SECONDS,
    KNOWN_DEVICES,
    LOCK_SECONDS,
    LONGEST_BLOCK_SECONDS,
    REFUNDS_PER_DAY,
    WIDE_LIMITS,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import Window

_NUMBER = NumberLimits()
_WIDE = WideLimits()
_UNITS = (("day", DAY), ("hour", 3600), ("minute", 60), ("second", 1))


def defaults() -> Mapping[str, str]:
    """Return the durations and counts that the guide mentions, each by a name for its template."""
    failures = _NUMBER.failures[0]
    return {
        "codeTtl": duration(_NUMBER.code_ttl),
        "maxChecks": str(_NUMBER.max_checks),
        "guessChance": _percent(failures.count / (LAST - FIRST + 1), ".1%"),
        "inFlight": duration(_NUMBER.deadline + IN_FLIGHT_MARGIN_SECONDS),
        "refundsPerDay": str(REFUNDS_PER_DAY),
        "knownDevices": str(KNOWN_DEVICES),
        "knownDeviceTtl": duration(KNOWN_DEVICE_SECONDS),
    }


def limits() -> Mapping[str, str]:
    """Return the default of each limit, by the limit's name."""
    first, *more = _NUMBER.cooldowns
    later = ", ".join(str(seconds) for seconds in more[:-1])
    conversion = _WIDE.conversion_prefix
    return {
        "cooldown": f"{first} seconds after the first start of a day, then {later}, and {more[-1]} "
        f"from start {len(_NUMBER.cooldowns)} on",
        "number": _windows("starts", _NUMBER.starts),
        "failures": _windows("wrong codes", _NUMBER.failures),
        "locked": f"{_NUMBER.lock_after} wrong codes in a row; it ends "
        f"{duration(LOCK_SECONDS)} after the last one, or when the operator ends it",
        **{name: _windows("starts", _WIDE.windows(name)) for name in WIDE_LIMITS},
        CONVERSION: f"{conversion.least} starts in an hour, fewer than "
        f"{_percent(conversion.share, '.0%')} of them verified; {duration(FIRST_BLOCK_SECONDS)}, "
        f"doubling up to {duration(LONGEST_BLOCK_SECONDS)}",
    }


def duration(seconds: float) -> str:
    """Return whole seconds in the largest unit that divides them: ``10 minutes``, ``a day``."""
    for unit, size in _UNITS:
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            article = "an" if unit == "hour" else "a"
            return f"{article} {unit}" if count == 1 else f"{count} {unit}s"
    raise ValueError(seconds)


def _percent(share: float, spec: str) -> str:
    return format(share, spec).replace("%", " %")


def _windows(things: str, windows: tuple[Window, ...]) -> str:
    first, *more = windows
    parts = [f"{first.count} {things} in {duration(first.seconds)}"]
    return ", ".join([*parts, *(f"{each.count} in {duration(each.seconds)}" for each in more)])
