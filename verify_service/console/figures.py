"""Numbers, shares, moments and amounts, as the page prints them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from markupsafe import Markup, escape

from verify_service.domain.durations import format_duration
from verify_service.domain.figures import NONE, moment, number, percent, share

__all__ = [
    "NONE",
    "ago",
    "amount",
    "date",
    "day",
    "hour",
    "machine_moment",
    "milliseconds",
    "moment",
    "number",
    "percent",
    "phrase",
    "share",
]

_CENT = Decimal("0.01")
_TEN_THOUSANDTH = Decimal("0.0001")


def machine_moment(milliseconds: int) -> str:
    """Return the same for an attribute ``datetime``."""
    return f"{_utc(milliseconds):%Y-%m-%dT%H:%M:%SZ}"


def hour(unixtime: int) -> str:
    """Return ``14:00``."""
    return f"{_utc(unixtime * 1000):%H:%M}"


def day(unixtime: int) -> str:
    """Return ``21 Sep``."""
    return f"{_utc(unixtime * 1000):%-d %b}"


def date(unixtime: int) -> str:
    """Return ``Mon 21 Sep``."""
    return f"{_utc(unixtime * 1000):%a %-d %b}"


def ago(now: int, then: int) -> str:
    """Return ``3 min 5 s`` for what is so long ago, both in milliseconds."""
    return format_duration(max(0, (now - then) // 1000))


def milliseconds(seconds: float) -> str:
    """Return ``0.4 ms``, ``412 ms`` or ``2.1 s``."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.{1 if seconds < 0.01 else 0}f} ms"


def amount(money: Decimal | None) -> str:
    """Return ``1,234.50``; a dash for None. Up to four decimals, for the price of a call."""
    if money is None:
        return NONE
    exact = money.quantize(_TEN_THOUSANDTH, ROUND_HALF_UP)
    cents = exact.quantize(_CENT, ROUND_HALF_UP)
    return f"{cents if cents == exact or exact >= 1 else exact.normalize():,}"


def phrase(text: str) -> Markup:
    """Return a sentence as HTML: what is between backticks is code."""
    parts = str(escape(text)).split("`")
    marked = (f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
    return Markup("".join(marked))  # noqa: S704 - escaped above


def _utc(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
