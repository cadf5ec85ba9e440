"""The provider's page "FlashCall API" as data: path, call statuses, both shapes of an error.

Two more tables have errors of the platform's other pages and of its partner.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

PATH = "/api/apps/flash/calls/flash"
# Where the simulator's redirect leads. Not on the provider's page.
MOVED = "/api/apps/flash/calls/moved"

CALL_STATUSES: Mapping[str, str] = {
    "ANSWERED": "the call came, the person picked up",
    "TERMINATED": "the call came, the person did not pick up",
    "BUSY_HERE": "the call came, the person dropped it",
    "REJECTED": "the call cannot be made: the number is in another call, or a SIP error",
    "UNAVAILABLE": "the subscriber is unavailable, the phone is off",
    "FORBIDDEN": "anti-fraud was triggered",
}
# A status that is not on the page.
UNKNOWN_STATUS = "VOICEMAIL"
STATUSES = (*CALL_STATUSES, UNKNOWN_STATUS)

# errorCode -> HTTP status, errorReason.
ERROR_CODES: dict[int, tuple[int, str]] = {
    1: (401, "Authentication required"),
    2: (400, "Inactive account"),
    4: (429, "Too many requests"),
    5: (401, "Inactive token"),
    6: (403, "Insufficient funds"),
    10: (400, "Invalid request"),
    11: (400, "Invalid number"),
    16: (400, "Sender not allowed"),
}
# Of the partner behind the platform, whose table is otherwise the same. It has no HTTP statuses:
# these are the usual ones for such a text.
PARTNER_CODES: dict[int, tuple[int, str]] = {
    7: (403, "Forbidden"),
    8: (400, "Account misconfigured"),
    9: (400, "Rejected"),
    25: (405, "Method not allowed"),
    99: (500, "Internal error"),
}

ERROR_WORDS: dict[str, str] = {
    "invalidAccessKeyError": "Invalid AccessKey",
    "requiredJsonError": "The request body requires JSON",
    "invalidSchemeError": "Invalid JSON scheme",
    "invalidDataError": "Input data error",
    "prohibitedForAppError": "Prohibited for this application",
    "prohibitedForServiceError": "Prohibited for this service",
    "rpcError": "Communication error",
}
# Of the platform's other pages, which answer with them over HTTP 200.
OTHER_WORDS: dict[str, str] = {
    "accountFinanciallyBlocked": "The account is financially blocked",
    "Rejected": "The message was rejected",
}

# The page has an HTTP status for each error code and for no word. 200 follows the page, and it is
# the case in which a careless client fails.
WORD_HTTP_STATUS = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that refuses the call.

    Attributes:
        name: Its name in the list of calls.
        body: The JSON body.
        headers: Additional headers.
    """

    name: str
    reason: str
    http_status: int
    body: Mapping[str, int | str]
    headers: tuple[tuple[str, str], ...] = ()


def refusal_by_code(code: int) -> Refusal:
    """Return a refusal of the shape `{errorCode, errorReason}`."""
    http_status, reason = (ERROR_CODES | PARTNER_CODES)[code]
    return Refusal(
        f"errorCode {code}", reason, http_status, {"errorCode": code, "errorReason": reason}
    )


def refusal_by_word(word: str, reason: str | None = None) -> Refusal:
    """Return a refusal of the shape `{status, error}`; `reason` defaults to the page's text."""
    reason = reason or (ERROR_WORDS | OTHER_WORDS)[word]
    return Refusal(word, reason, WORD_HTTP_STATUS, {"status": word, "error": reason})


def digits(text: str) -> str:
    """Return the ASCII digits of `text`: two spellings of one number have the same digits."""
    return re.sub("[^0-9]", "", text)
