"""The limits as the functions in Redis read them: plain values, durations in milliseconds."""

from __future__ import annotations

from typing import Any

from verify_service.domain import limits
from verify_service.domain import limits as number_limits
from verify_service.domain.limits import (
    BUCKETS,
    BreakerPolicy,
    ConversionThreshold,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import Window


def encode(policy: NumberLimits, wide: WideLimits) -> dict[str, Any]:
    """Return what every function goes by."""
    return _of_one_number(policy) | _of_all_numbers(wide) | _dry(policy, wide)


def _of_one_number(policy: NumberLimits) -> dict[str, Any]:
    windows = (*policy.starts, *policy.failures)
    return {
        "cooldowns": [_milliseconds(pause) for pause in policy.cooldowns],
        "starts": _windows(policy.starts),
        "failures": _windows(policy.failures),
        "lock_after": policy.lock_after,
        "lock_for": _milliseconds(number_limits.LOCK_SECONDS),
        "devices": number_limits.KNOWN_DEVICES,
        "known_for": _milliseconds(number_limits.KNOWN_DEVICE_SECONDS),
        "refunds_per_day": number_limits.REFUNDS_PER_DAY,
        "day": _milliseconds(number_limits.DAY),
        "deadline": _milliseconds(policy.deadline),
        "ttl": _milliseconds(policy.code_ttl),
        "checks": policy.max_checks,
        "readable": _milliseconds(number_limits.READABLE_SECONDS),
        "waiting": number_limits.WAITING_CALLBACKS,
        "waiting_for": _milliseconds(number_limits.WAITING_SECONDS),
        # How long an event is looked at, and how many of a kind.
        "horizon": _milliseconds(
            max(number_limits.DAY, *policy.cooldowns, *(window.seconds for window in windows))
        ),
        "most": max(*(window.count for window in windows), len(policy.cooldowns)),
    }


def _of_all_numbers(policy: WideLimits) -> dict[str, Any]:
    return {
        "windows": {name: _windows(windows) for name, windows in _limits(policy).items()},
        "series": _series(policy),
        "buckets": BUCKETS,
        "conversion_prefix": _conversion(policy.conversion_prefix),
        "conversion_country": _conversion(policy.conversion_country),
        "first_block": _milliseconds(limits.FIRST_BLOCK_SECONDS),
        "longest_block": _milliseconds(limits.LONGEST_BLOCK_SECONDS),
        "block_remembered": _milliseconds(limits.BLOCK_MEMORY_SECONDS),
        "alarm_pause": _milliseconds(limits.ALARM_REPEAT_SECONDS),
        "wrong": {"least": limits.WRONG_GUESSES, "share": limits.WRONG_SHARE},
        "breaker": _breaker(policy.breaker) if policy.breaker else None,
    }


def _dry(policy: NumberLimits, wide: WideLimits) -> dict[str, Any]:
    return {"dry": dict.fromkeys(sorted(policy.dry_run | wide.dry_run), True)}


def _conversion(limit: ConversionThreshold) -> dict[str, Any]:
    return {"least": limit.least, "share": limit.share, "blocks": limit.blocks}


def _breaker(policy: BreakerPolicy) -> dict[str, int]:
    return {
        "failures": policy.failures,
        "pause": _milliseconds(policy.pause),
        "longest": _milliseconds(limits.LONGEST_BREAKER_PAUSE_SECONDS),
        "probing": _milliseconds(policy.probing),
        "remembered": _milliseconds(limits.BREAKER_MEMORY_SECONDS),
    }


def _limits(policy: WideLimits) -> dict[str, tuple[Window, ...]]:
    return {name: policy.windows(name) for name in (*limits.WIDE_LIMITS, limits.KNOWN_DEVICE)}


def _windows(windows: tuple[Window, ...]) -> list[dict[str, Any]]:
    # Lua would print a span as 8.64e+07.
    spans = [_milliseconds(window.seconds) for window in windows]
    return [
        {"count": window.count, "span": span, "series": str(span)}
        for window, span in zip(windows, spans, strict=True)
    ]


def _series(policy: WideLimits) -> dict[str, Any]:
    """Return the series that each key over many numbers has (``time_buckets.lua``)."""
    # A start counts for an hour, from when its code can no longer be entered.
    conversion = _milliseconds(limits.CONVERSION_SECONDS + policy.code_ttl)
    hour = _milliseconds(limits.HOUR)
    shared = {
        name: _group({window["series"]: window["span"] for window in _windows(windows)})
        for name, windows in _limits(policy).items()
    }
    return shared | {
        "conversion": _group(
            {f"{conversion}:{kind}": conversion for kind in ("started", "approved")}
        ),
        "guesses": _group({f"{hour}:{kind}": hour for kind in ("wrong", "right")}),
    }


def _group(spans: dict[str, int]) -> dict[str, Any]:
    """Return the series of one key, given the span of each."""
    size = {name: -(-span // BUCKETS) for name, span in spans.items()}
    return {"names": list(spans), "size": size, "longest": max(size.values(), default=0)}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
