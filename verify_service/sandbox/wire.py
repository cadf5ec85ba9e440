"""What the provider's page fixes, as data: the path, both error shapes, the call statuses.

Source: the page "FlashCall API" of the provider's documentation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

PATH = "/api/apps/flash/calls/flash"
MOVED = "/api/apps/flash/calls/moved"
"""Not the page's: where our redirect leads."""

CALL_STATUSES: Mapping[str, str] = {
    "ANSWERED": "the call came, the person picked up",
    "TERMINATED": "the call came, nobody picked up",
    "BUSY_HERE": "the call came, the person dropped it",
    "REJECTED": "the call cannot be made: the number is in another call, or a SIP error",
    "UNAVAILABLE": "the subscriber is unavailable, the phone is off",
    "FORBIDDEN": "anti-fraud was triggered",
}
UNKNOWN_STATUS = "VOICEMAIL"
"""A status that the page does not have."""

ERROR_CODES: Mapping[int, tuple[int, str]] = {
    1: (401, "Authentication required"),
    2: (400, "Inactive account"),
    4: (429, "Too many requests"),
    5: (401, "Inactive token"),
    6: (403, "Insufficient funds"),
    10: (400, "Invalid request"),
    11: (400, "Invalid number"),
    16: (400, "Sender not allowed"),
}
"""errorCode -> HTTP status, errorReason."""

ERROR_WORDS: Mapping[str, str] = {
    "invalidAccessKeyError": "Invalid AccessKey",
    "requiredJsonError": "The request body requires JSON",
    "invalidSchemeError": "Invalid JSON scheme",
    "invalidDataError": "Input data error",
    "prohibitedForAppError": "Prohibited for this application",
    "prohibitedForServiceError": "Prohibited for this service",
    "rpcError": "Communication error",
}

# The page gives an HTTP status to every error code and to no word: a word is a field of "any
# response". 200 is the reading that trusts the page, and the one a careless client fails on.
WORD_HTTP_STATUS = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that says no: its name in our reports, its HTTP status, its JSON body.

    headers: in addition.
    """

    name: str
    reason: str
    http_status: int
    body: Mapping[str, int | str]
    headers: tuple[tuple[str, str], ...] = ()


def refusal_by_code(code: int) -> Refusal:
    """The `{errorCode, errorReason}` shape."""
    http_status, reason = ERROR_CODES[code]
    body: dict[str, int | str] = {"errorCode": code, "errorReason": reason}
    return Refusal(f"errorCode {code}", reason, http_status, body)


def refusal_by_word(word: str, reason: str | None = None) -> Refusal:
    """The `{status, error}` shape; `reason` defaults to the page's description of the word."""
    reason = reason or ERROR_WORDS[word]
    return Refusal(word, reason, WORD_HTTP_STATUS, {"status": word, "error": reason})


class Refused(Exception):
    """The request gets `refusal` for an answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.name)
        self.refusal = refusal
