"""Durations as an operator reads them."""

from __future__ import annotations

UNIT_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
"""Units of a duration, from the largest."""
PRINTED_UNITS = {"d": "d", "h": "h", "m": "min", "s": "s"}


def format_duration(seconds: int) -> str:
    """Return ``1 d 2 h``: the two largest units of a duration."""
    parts = []
    for unit, unit_seconds in UNIT_SECONDS.items():
        count, seconds = divmod(seconds, unit_seconds)
        if count:
            parts.append(f"{count} {PRINTED_UNITS[unit]}")
    return " ".join(parts[:2]) or "0 s"
