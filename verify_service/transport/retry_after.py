"""The header ``Retry-After`` (RFC 9110, section 10.2.3), as servers really send it."""

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
    if _NUMBER.match(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
