"""What an answer of the provider means.

Its text is judged and never passed on: it may quote the code, and ``from`` ends in it.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from verify_service.domain.codes import DIGITS
from verify_service.domain.models import CallOutcome, ErrorCode, Failed, Placed

THROTTLE_SECONDS = 5
"""How long to wait after errorCode 4 where the provider names no time."""
_LONGEST_THROTTLE = 3_600
_LONGEST_ID = 256
"""Characters: what a callback may bring. A longer requestId could never come back."""
_LONGEST_NUMBER = 15
"""Digits, by E.164."""
_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")

ERROR_CODES: dict[int, str] = {
    ErrorCode.INVALID_TOKEN: "the token is invalid",
    ErrorCode.INACTIVE_ACCOUNT: "the account is inactive",
    ErrorCode.TOO_MANY_REQUESTS: "too many requests in a short time",
    ErrorCode.INACTIVE_TOKEN: "the token is inactive",
    ErrorCode.INSUFFICIENT_FUNDS: "the balance is too low",
    ErrorCode.INVALID_REQUEST: "the request is incorrectly formed",
    ErrorCode.INVALID_NUMBER: "the number is not in E.164",
    ErrorCode.SENDER_NOT_ALLOWED: "the sender is not allowed for this type of request",
}
"""Source: the provider's page, "Description of error codes"."""

ERROR_WORDS = {
    "invalidAccessKeyError": "the access key is invalid",
    "requiredJsonError": "the body must be JSON",
    "invalidSchemeError": "the JSON has an invalid scheme",
    "invalidDataError": "the input data are invalid",
    "prohibitedForAppError": "this is prohibited for the application",
    "prohibitedForServiceError": "this is prohibited for the service",
    "rpcError": "communication inside the provider failed",
}
"""Source: the provider's page, "Response format"."""

_NOT_THE_ACCOUNT = {ErrorCode.TOO_MANY_REQUESTS, ErrorCode.INVALID_NUMBER}
_ACCOUNT_WORDS = {
    "invalidAccessKeyError",
    "requiredJsonError",
    "invalidSchemeError",
    "prohibitedForAppError",
}
"""The other words may be about one number only."""


def interpret(
    code: str, http_status: int, body: bytes, retry_after: str | None = None
) -> CallOutcome:
    """Return what the answer to a call with ``code`` means.

    An error in the body decides over the HTTP status; an errorCode that the page does not know
    counts as its HTTP class. Whatever a 5xx says, the provider is not well.
    """
    answer = _parse(body)
    error_code = _error_code(answer, code)
    unwell = http_status >= 500
    if error_code in ERROR_CODES:
        return replace(_known_code(error_code, retry_after), transport=unwell)
    word = _text(answer.get("status"))
    if word in ERROR_WORDS:
        return replace(_known_word(word), transport=unwell)
    if 400 <= http_status < 500:
        throttle = _seconds(retry_after) if http_status == 429 else None
        reason = f"The provider refused the call (HTTP {http_status})."
        return Failed(
            reason,
            refund=True,
            error_code=error_code,
            account=http_status in (401, 403),
            retry_after=throttle,
        )
    if not 200 <= http_status < 300:
        reason = f"The provider answered HTTP {http_status}; the phone may ring all the same."
        return Failed(reason, refund=False, error_code=error_code, transport=True)
    return _success(code, answer, error_code)


def _success(code: str, answer: dict[str, Any], error_code: int | None) -> CallOutcome:
    request_id = _text(answer.get("requestId"))
    if _names_an_error(answer, error_code):
        reason = "The provider answered with an error that its page does not know."
        return Failed(reason, refund=False, error_code=error_code)
    if not 0 < len(request_id) <= _LONGEST_ID:
        reason = "The provider's answer could not be read; the phone may ring all the same."
        return Failed(reason, refund=False, transport=True)
    return Placed(request_id, *_caller(code, answer.get("from")))


def _names_an_error(answer: dict[str, Any], error_code: int | None) -> bool:
    """Tell whether there is an errorCode other than 0, or a word in the style of the page's."""
    code = answer.get("errorCode") if error_code is None else error_code
    return bool(code) or _text(answer.get("status")).endswith("Error")


def _caller(code: str, value: object) -> tuple[str, int] | tuple[None, None]:
    """Return prefix and length of the calling number, if it really ends in the code."""
    digits = _text(value).removeprefix("+")
    number = digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER
    if not (number and digits.endswith(code)):
        return None, None
    return digits[:-DIGITS], len(digits)


def _known_code(error_code: int, retry_after: str | None) -> Failed:
    return Failed(
        f"The provider refused the call: {ERROR_CODES[error_code]}.",
        refund=error_code != ErrorCode.INVALID_NUMBER,
        error_code=error_code,
        account=error_code not in _NOT_THE_ACCOUNT,
        retry_after=_seconds(retry_after) if error_code == ErrorCode.TOO_MANY_REQUESTS else None,
    )


def _known_word(word: str) -> Failed:
    reason = f"The provider refused the call: {ERROR_WORDS[word]}."
    return Failed(reason, refund=True, account=word in _ACCOUNT_WORDS)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _error_code(answer: dict[str, Any], code: str) -> int | None:
    text = _text(answer.get("errorCode"))
    # int() of a few ASCII digits only: never of an endless or an exotic number. And this number
    # is logged, kept and told: with the code in it, it may be the code, or the end of ``from``.
    number = text.isascii() and text.isdigit() and len(text) <= 9
    return int(text) if number and code not in text else None


def _text(value: object) -> str:
    """Return a string or an integer as text, if UTF-8 can write it."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    # JSON can spell half a character ("\ud800"), which nothing else could take.
    return "" if _HALF_CHARACTER.search(text) else text


def _seconds(retry_after: str | None) -> int:
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return max(1, min(int(text), _LONGEST_THROTTLE))
    return THROTTLE_SECONDS
