"""What must never be seen in a log or an answer, whatever a test did."""

from __future__ import annotations

import json
import re
from typing import Any

from .service import SECRETS, Service
from .standin import StandIn

_DIGITS_OF_THEIR_OWN = {
    "number",
    "timestamp",
    "ms",
    "verification_id",
    "request_id",
    "where",
    "retry_after",
}
"""Fields of a log line in which four digits may stand by accident: a masked number starts with
four, and a code may be the same."""


def found_in_logs(service: Service, provider: StandIn, rest: str) -> list[str]:
    """Everything secret that was logged. `rest` is what other libraries said."""
    text = service.log.getvalue() + rest
    found = [secret for secret in SECRETS if secret in text]
    for call in provider.calls:
        found += [digits for digits in (call.number, call.caller) if digits in text]
        words = re.sub(r"\.py:[0-9]+", "", rest)  # where in a library a line was written
        if any(_says(line, call.code) for line in service.lines) or _word(call.code, words):
            found.append(f"code {call.code}")
    return found


def found_in_answers(service: Service, provider: StandIn) -> list[str]:
    """Everything secret that was answered; the full number belongs to an approval alone."""
    found = []
    for answer in service.answers:
        text = f"{answer.headers}{answer.text}"
        found += [secret for secret in SECRETS if secret in text]
        found += [call.caller for call in provider.calls if call.caller in text]
        if answer.is_json and not answer.json.get("verified"):
            found += [call.number for call in provider.calls if call.number in text]
    return found


def _says(line: dict[str, Any], code: str) -> bool:
    told = {name: value for name, value in line.items() if name not in _DIGITS_OF_THEIR_OWN}
    return _word(code, json.dumps(told))


def _word(code: str, text: str) -> bool:
    return re.search(rf"(?<![0-9A-Za-z_-]){code}(?![0-9A-Za-z_-])", text) is not None
