"""Numbers, shares and moments, as an operator reads them."""

from __future__ import annotations

from datetime import UTC, datetime

NONE = "–"


def number(count: int) -> str:
    """Return ``12,345``."""
    return f"{count:,}"


def percent(part: int, whole: int) -> str:
    """Return ``86 %``; a dash if there is nothing to divide by."""
    return f"{100 * part / whole:.0f} %" if whole else NONE


def share(part: int, whole: int) -> str:
    """Return ``412 of 480, 86 %``; a dash if there is nothing to divide by."""
    return f"{number(part)} of {number(whole)}, {percent(part, whole)}" if whole else NONE


def moment(milliseconds: int) -> str:
    """Return ``2026-09-21 14:13:20 UTC``; a dash for 0."""
    if not milliseconds:
        return NONE
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
