"""The figures that hold unless an operator sets others, in the guide's words."""

from __future__ import annotations

from collections.abc import Mapping

from verify_service.domain import limits as policy
from verify_service.domain.codes import FIRST, LAST
from verify_service.domain.limits import (
    CONVERSION,
    FIRST_BLOCK_SECONDS,
    LONGEST_BLOCK_SECONDS,
    WIDE_LIMITS,
    WideLimits,
)
from verify_service.domain.models import Window

_DEFAULT = policy.NumberLimits()
_WIDE = WideLimits()
_MINUTE, _HOUR = 60, 3600


def figures() -> Mapping[str, str]:
    """Return each figure by a name of its own."""
    failures = _DEFAULT.failures[0]
    return {
        "codeTtl": duration(_DEFAULT.code_ttl),
        "maxChecks": str(_DEFAULT.max_checks),
        "guessed": f"{failures.count / (LAST - FIRST + 1):.1%}".replace("%", " %"),
        "inFlight": duration(_DEFAULT.deadline + policy.IN_FLIGHT_MARGIN_SECONDS),
        "waivers": str(policy.REFUNDS_PER_DAY),
        "devices": str(policy.KNOWN_DEVICES),
        "known": duration(policy.KNOWN_DEVICE_SECONDS),
        "readable": duration(policy.READABLE_SECONDS),
    }


def limits() -> Mapping[str, str]:
    """Return what each limit is, by its name."""
    first, *more = _DEFAULT.cooldowns
    later = ", ".join(str(pause) for pause in more[:-1])
    return {
        "cooldown": f"{first} seconds after the first start of a day, then {later}, and {more[-1]} "
        f"from start {len(_DEFAULT.cooldowns)} on",
        "number": _windows("starts", _DEFAULT.starts),
        "failures": _windows("wrong codes", _DEFAULT.failures),
        "locked": f"{_DEFAULT.lock_after} wrong codes in a row; it ends "
        f"{duration(policy.LOCK_SECONDS)} after the last one, or when the operator ends it",
        **{name: _windows("starts", _WIDE.windows(name)) for name in WIDE_LIMITS},
        CONVERSION: f"{_WIDE.conversion_prefix.least} starts in an hour of which under "
        f"{_WIDE.conversion_prefix.share:.0%} got in".replace("%", " %")
        + f"; {duration(FIRST_BLOCK_SECONDS)}, doubling up to {duration(LONGEST_BLOCK_SECONDS)}",
    }


def duration(seconds: float) -> str:
    """Return whole seconds in the largest unit that they fill: ``10 minutes``, ``a day``."""
    units = (("day", policy.DAY), ("hour", _HOUR), ("minute", _MINUTE))
    for unit, size in (*units, ("second", 1)):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            article = "an" if unit == "hour" else "a"
            return f"{article} {unit}" if count == 1 else f"{count} {unit}s"
    raise ValueError(seconds)


def _windows(things: str, windows: tuple[Window, ...]) -> str:
    said = [f"{window.count} {things} in {duration(window.seconds)}" for window in windows]
    return ", ".join([said[0], *(each.replace(f" {things}", "") for each in said[1:])])
