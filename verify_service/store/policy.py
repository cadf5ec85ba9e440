"""The limits as the functions in Redis read them: plain values, durations in milliseconds."""

from __future__ import annotations

from typing import Any

from verify_service.domain import counts, events, limits, timeline
from verify_service.domain.limits import (
    BreakerPolicy,
    ConversionThreshold,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import Window


def encode(number_limits: NumberLimits, wide_limits: WideLimits) -> dict[str, Any]:
    """Return the policy of all functions."""
    dry_run = sorted(number_limits.dry_run | wide_limits.dry_run)
    return {
        **_of_one_number(number_limits),
        **_of_all_numbers(wide_limits),
        **_of_statistics(),
        "outbox": _outbox(),
        "dry_run": dict.fromkeys(dry_run, True),
    }


def _of_one_number(number_limits: NumberLimits) -> dict[str, Any]:
    cooldowns = number_limits.cooldowns
    windows = (*number_limits.starts, *number_limits.failures)
    return {
        "cooldowns_ms": [_milliseconds(cooldown) for cooldown in cooldowns],
        "starts": _windows(number_limits.starts),
        "failures": _windows(number_limits.failures),
        "lock_after": number_limits.lock_after,
        "lock_ms": _milliseconds(limits.LOCK_SECONDS),
        "max_devices": limits.KNOWN_DEVICES,
        "known_device_ms": _milliseconds(limits.KNOWN_DEVICE_SECONDS),
        "refunds_per_day": limits.REFUNDS_PER_DAY,
        "given_back": _windows(limits.GIVEN_BACK),
        "former_devices": limits.FORMER_DEVICES,
        "longest_throttle_ms": _milliseconds(limits.LONGEST_THROTTLE_SECONDS),
        "day_ms": _milliseconds(limits.DAY),
        "call_deadline_ms": _milliseconds(number_limits.deadline),
        "code_ttl_ms": _milliseconds(number_limits.code_ttl),
        "max_checks": number_limits.max_checks,
        "readable_ms": _milliseconds(limits.READABLE_SECONDS),
        "failed_readable_ms": _milliseconds(limits.FAILED_READABLE_SECONDS),
        "max_waiting_callbacks": limits.WAITING_CALLBACKS,
        "waiting_callback_ms": _milliseconds(limits.WAITING_SECONDS),
        # The longest time and the largest number of events that any limit reads.
        "event_memory_ms": _milliseconds(
            max(limits.DAY, *cooldowns, *(window.seconds for window in windows))
        ),
        "max_events": max(
            *(window.count for window in (*windows, *limits.GIVEN_BACK)), len(cooldowns)
        ),
    }


def _of_all_numbers(wide_limits: WideLimits) -> dict[str, Any]:
    windows = {
        name: _wide_windows(wide_limits.windows(name))
        for name in (*limits.WIDE_LIMITS, limits.KNOWN_DEVICE)
    }
    return {
        "windows": windows,
        "series": _series(windows, wide_limits.code_ttl),
        "buckets": limits.BUCKETS,
        "conversion_prefix": _conversion(wide_limits.conversion_prefix),
        "conversion_country": _conversion(wide_limits.conversion_country),
        "first_block_ms": _milliseconds(limits.FIRST_BLOCK_SECONDS),
        "longest_block_ms": _milliseconds(limits.LONGEST_BLOCK_SECONDS),
        "block_memory_ms": _milliseconds(limits.BLOCK_MEMORY_SECONDS),
        "alarm_repeat_ms": _milliseconds(limits.ALARM_REPEAT_SECONDS),
        "wrong": {"least": limits.WRONG_GUESSES, "share": limits.WRONG_SHARE},
        "breaker": _breaker(wide_limits.breaker) if wide_limits.breaker else None,
    }


def _of_statistics() -> dict[str, Any]:
    kept = _milliseconds(counts.KEPT_SECONDS)
    return {
        "counts": {
            "hours": counts.HOURS,
            "days": counts.DAYS,
            "fields": counts.FIELDS,
            "scopes_per_limit": counts.SCOPES_PER_LIMIT,
            "scopes": counts.SCOPES,
            "buckets": list(counts.BUCKETS),
            "kept_ms": kept,
        },
        "timeline": {"events": timeline.EVENTS, "slack": timeline.EVENTS_SLACK, "kept_ms": kept},
    }


def _outbox() -> dict[str, int]:
    return {
        "verifications": events.OUTBOX_VERIFICATIONS,
        "events": events.OUTBOX_EVENTS,
        "kept_ms": _milliseconds(events.KEPT_SECONDS),
        "slack_ms": _milliseconds(events.SLACK_SECONDS),
    }


def _conversion(threshold: ConversionThreshold) -> dict[str, Any]:
    return {"least": threshold.least, "share": threshold.share, "blocks": threshold.blocks}


def _breaker(policy: BreakerPolicy) -> dict[str, int]:
    return {
        "failures": policy.failures,
        "first_pause_ms": _milliseconds(policy.pause),
        "longest_pause_ms": _milliseconds(limits.LONGEST_BREAKER_PAUSE_SECONDS),
        "probe_ms": _milliseconds(policy.probing),
        "memory_ms": _milliseconds(limits.BREAKER_MEMORY_SECONDS),
    }


def _windows(windows: tuple[Window, ...]) -> list[dict[str, Any]]:
    # The name of a series is a text: Lua would print its span as 8.64e+07.
    spans = [_milliseconds(window.seconds) for window in windows]
    return [
        {"count": window.count, "span_ms": span, "series": str(span)}
        for window, span in zip(windows, spans, strict=True)
    ]


def _wide_windows(windows: tuple[Window, ...]) -> list[dict[str, Any]]:
    return [
        window | {"given_back": f"{window['series']}:given_back"} for window in _windows(windows)
    ]


def _series(windows: dict[str, list[dict[str, Any]]], code_ttl: int) -> dict[str, Any]:
    """Return the series of each key over many numbers (``time_buckets.lua``)."""
    # A start counts for an hour after its code has expired.
    conversion = _milliseconds(limits.CONVERSION_SECONDS + code_ttl)
    hour = _milliseconds(limits.HOUR)
    of_limits = {
        name: _group(
            {window["series"]: window["span_ms"] for window in of_limit},
            {window["given_back"]: window["span_ms"] for window in of_limit},
        )
        for name, of_limit in windows.items()
    }
    return of_limits | {
        "conversion": _group(
            {f"{conversion}:{kind}": conversion for kind in ("started", "approved")}
        ),
        "guesses": _group({f"{hour}:{kind}": hour for kind in ("wrong", "right")}),
    }


def _group(spans: dict[str, int], others: dict[str, int] | None = None) -> dict[str, Any]:
    """Return the series of one key, given the span of each in milliseconds.

    Args:
        others: Series that only some decisions read.
    """
    size = {name: -(-span // limits.BUCKETS) for name, span in (spans | (others or {})).items()}
    return {"names": list(spans), "size": size, "longest": max(size.values(), default=0)}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
