"""Numbers and durations as people write them."""

from __future__ import annotations

from phonenumbers import AsYouTypeFormatter, PhoneNumberFormat, format_number, parse

from verify_service.client import Call

MINUTE, HOUR, DAY = 60, 3600, 86_400
LONGEST_COUNTDOWN = 10 * MINUTE


def caller(call: Call) -> str | None:
    """Return +7 917 913 for the part of the calling number that may be shown."""
    if not call.caller_prefix:
        return None
    formatter, shown = AsYouTypeFormatter("ZZ"), ""
    for character in f"+{call.caller_prefix}":
        shown = formatter.input_digit(character)
    return shown.strip(" -")


def number(e164: str) -> str:
    """Return +7 916 123-45-67 for what the service has proven."""
    return str(format_number(parse(e164), PhoneNumberFormat.INTERNATIONAL))


def duration(seconds: int) -> str:
    """Return 25 seconds, 5 minutes, 3 hours, 90 days: never less than it is."""
    for size, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds > 2 * size or seconds == size:
            return _counted(-(-seconds // size), name)
    return _counted(seconds, "second")


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
