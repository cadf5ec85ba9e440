"""The header ``Retry-After`` (RFC 9110, section 10.2.3) and dates, as servers really send them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_NUMBER = re.compile(r"\s*[0-9]+(\.[0-9]*)?\s*\Z", re.ASCII)
_COMMA = re.compile(r",(?!\s*[0-9]{1,2}[ -][A-Za-z])")
"""A comma that does not stand after the day of the week in a date."""


def longest_wait(retry_after: str | None) -> float | None:
    """Return the longest wait in seconds; None if the header has none.

    Args:
        retry_after: Seconds or dates. Several are separated by commas: that of a server, and of a
            proxy before it.
    """
    waits = [_wait(text) for text in _COMMA.split(retry_after or "")]
    return max((wait for wait in waits if wait is not None), default=None)


def _wait(text: str) -> float | None:
    return float(text) if _NUMBER.match(text) else seconds_until(text)


def seconds_until(date: str) -> float | None:
    """Return the seconds from now until a date of HTTP; None if it is none.

    RFC 9110 has GMT alone; a date in -0000 is read without a zone.
    """
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
