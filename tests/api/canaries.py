"""What no log and no answer may contain, whatever a test does."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from .service import SECRETS, Service
from .standin import StandIn

_DIGITS_OF_THEIR_OWN = {
    "number",
    "place",
    "timestamp",
    "ms",
    "provider_ms",
    "redis_ms",
    "verification_id",
    "request_id",
    "where",
    "retry_after",
    "scope",
    "seconds",
}
"""Fields of a log line, at any depth, in which four digits may stand by accident: a masked number
or prefix starts with four, and a code may be the same."""

_SOURCE_LINE = re.compile(r"\.(?:py|c):[0-9]+")
"""Where a library logged or failed: `connection.py:1020`, `_ssl.c:1020`."""


HIDDEN = 4
"""Digits of a number that stay hidden, whatever is combined."""
_MASKED = re.compile(r"\+([0-9]+)(•*)([0-9]*)\Z")


def secrets_in_logs(service: Service, provider: StandIn, rest: str) -> list[str]:
    """Return every secret in the log. `rest` is the output of other libraries."""
    text = service.log.getvalue() + rest
    found = [secret for secret in SECRETS if secret in text]
    for call in provider.calls:
        found += [digits for digits in (call.number, call.caller) if digits in text]
        if any(_contains(line, call.code) for line in [*service.lines, rest]):
            found.append(f"code {call.code}")
    return found + hidden_digits_shown(service.lines)


def hidden_digits_shown(lines: list[dict[str, Any]]) -> list[str]:
    """Return the request ids whose lines together show too much of a number.

    One line may have the end of a number and another one its prefix. Both are about the same
    number, so the known digits are the longest beginning and the end.
    """
    said = defaultdict(list)
    for line in lines:
        texts = [value for value in line.values() if isinstance(value, str)]
        said[line.get("request_id")] += [m.groups() for m in map(_MASKED.match, texts) if m]
    return [
        f"too much of a number under request {request_id}"
        for request_id, masked in said.items()
        for head, dots, tail in masked
        for other, *_ in masked
        if tail and (other.startswith(head) or head.startswith(other))
        if len(head) + len(dots) - max(len(head), len(other)) < HIDDEN
    ]


def secrets_in_answers(service: Service, provider: StandIn) -> list[str]:
    """Return every secret in the answers. Only an approval may contain the full number."""
    found = []
    for answer in service.answers:
        text = f"{answer.headers}{answer.text}"
        found += [secret for secret in SECRETS if secret in text]
        found += [call.caller for call in provider.calls if call.caller in text]
        if answer.is_json and not answer.json.get("verified"):
            found += [call.number for call in provider.calls if call.number in text]
    return found


def _contains(value: object, code: str) -> bool:
    """Return whether the code is a word of `value`, or of a field in it at any depth."""
    match value:
        case dict():
            fields = [value[name] for name in value if name not in _DIGITS_OF_THEIR_OWN]
            return any(_contains(each, code) for each in [*value, *fields])
        case list():
            return any(_contains(each, code) for each in value)
    text = _SOURCE_LINE.sub("", str(value))
    return re.search(rf"(?<![0-9A-Za-z_-]){code}(?![0-9A-Za-z_-])", text) is not None
