"""The Flash Call API of the Mitto CPaaS platform: requests, answers and statuses.

The text of an answer is judged and never passed on: it may quote the code, and ``from`` ends in it.
"The page" below is the provider's own documentation of the API.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from verify_service.domain.calls import (
    CallerProblem,
    CallOutcome,
    CallStatus,
    DeliveryResult,
    Failed,
    FailureKind,
    Placed,
)
from verify_service.domain.codes import DIGITS
from verify_service.domain.separators import strip_separators
from verify_service.provider.interface import Endpoint

PATH = "/apps/flash/calls/flash"
OK = "ok"
"""The ``status`` of a success, if it has one. Any other status is a refusal."""
THROTTLE_SECONDS = 5
"""How long to wait after errorCode 4 where the provider gives no ``Retry-After``."""
MAX_THROTTLE_SECONDS = 300
"""A longer ``Retry-After`` counts as this one."""
MAX_REQUEST_ID_CHARACTERS = 256
"""What a callback may contain. A call with a longer requestId could never be matched."""
MAX_NUMBER_DIGITS = 15
"""Source: E.164."""
_CALL_ABROAD = "00"
_ERROR_CODE = re.compile(r"([0-9]{1,9})(\.0{1,9})?\Z")
_BROKEN = re.compile(r"[\ud800-\udfff\ufffd]")
"""Lone surrogates, which UTF-8 cannot encode ("\\ud800"), and the mark of a broken character."""
_WORD = re.compile(r"[A-Za-z][A-Za-z_]{0,39}\Z")
"""A status that may be logged: without digits it cannot contain the code."""


class FlashCallStatus(StrEnum):
    """The status words of a callback. Source: the page, "Callback"."""

    ANSWERED = "ANSWERED"
    TERMINATED = "TERMINATED"
    BUSY_HERE = "BUSY_HERE"
    REJECTED = "REJECTED"
    UNAVAILABLE = "UNAVAILABLE"
    FORBIDDEN = "FORBIDDEN"


DELIVERY_RESULTS: dict[str, DeliveryResult] = {
    FlashCallStatus.ANSWERED: DeliveryResult.DELIVERED,
    FlashCallStatus.TERMINATED: DeliveryResult.DELIVERED,
    FlashCallStatus.BUSY_HERE: DeliveryResult.DELIVERED,
    FlashCallStatus.REJECTED: DeliveryResult.UNREACHED,
    FlashCallStatus.UNAVAILABLE: DeliveryResult.UNREACHED,
    FlashCallStatus.FORBIDDEN: DeliveryResult.FORBIDDEN,
}

ERROR_CODES: dict[int, tuple[FailureKind, str]] = {
    1: (FailureKind.ACCOUNT, "the token is invalid"),
    2: (FailureKind.ACCOUNT, "the account is inactive"),
    4: (FailureKind.THROTTLED, "too many requests in a short time"),
    5: (FailureKind.ACCOUNT, "the token is inactive"),
    6: (FailureKind.ACCOUNT, "the balance is too low"),
    7: (FailureKind.ACCOUNT, "the account may not do this"),
    8: (FailureKind.ACCOUNT, "the account is misconfigured"),
    9: (FailureKind.REFUSED, "it was rejected"),
    10: (FailureKind.ACCOUNT, "the request is incorrectly formed"),
    11: (FailureKind.INVALID_NUMBER, "the number is not in E.164"),
    16: (FailureKind.ACCOUNT, "the sender is not allowed for this type of request"),
    25: (FailureKind.REFUSED, "the method is not allowed"),
    99: (FailureKind.INTERNAL, "an internal error of the provider; the phone may still ring"),
}
"""Source: the page, "Description of error codes". 7, 8, 9, 25 and 99 are from the table of another
API that has the page's codes too."""
_COUNTED = {FailureKind.INVALID_NUMBER, FailureKind.INTERNAL}
"""What is not refunded: the first would be refused again, the second may ring."""

ERROR_WORDS: dict[str, tuple[FailureKind, str]] = {
    "invalidAccessKeyError": (FailureKind.ACCOUNT, "the access key is invalid"),
    "requiredJsonError": (FailureKind.ACCOUNT, "the body must be JSON"),
    "invalidSchemeError": (FailureKind.ACCOUNT, "the JSON has an invalid scheme"),
    "invalidDataError": (FailureKind.REFUSED, "the input data are invalid"),
    "prohibitedForAppError": (FailureKind.ACCOUNT, "this is prohibited for the application"),
    "prohibitedForServiceError": (FailureKind.REFUSED, "this is prohibited for the service"),
    "rpcError": (FailureKind.REFUSED, "communication inside the provider failed"),
}
"""Source: the page, "Response format". Those that are REFUSED may be about one number only."""

HTTP_KINDS = {401: FailureKind.ACCOUNT, 403: FailureKind.ACCOUNT, 429: FailureKind.THROTTLED}
"""What a refusal means whose errorCode or status is in neither table, by its HTTP status."""

Credentials = tuple[dict[str, str], dict[str, str]]
"""The headers and the query arguments that show the token."""

AUTH_FORMS: dict[str, Callable[[str], Credentials]] = {
    "x-accesskey": lambda token: ({"X-Authorization": f"AccessKey {token}"}, {}),
    "x-basic": lambda token: ({"X-Authorization": f"Basic {token}"}, {}),
    "x-bearer": lambda token: ({"X-Authorization": f"Bearer {token}"}, {}),
    "raw": lambda token: ({"Authorization": token}, {}),
    "basic": lambda token: ({"Authorization": f"Basic {token}"}, {}),
    "basic-pair": lambda pair: (
        {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"},
        {},
    ),
    "accesskey": lambda token: ({"Authorization": f"AccessKey {token}"}, {}),
    "query": lambda token: ({}, {"X-Authorization": f"AccessKey {token}"}),
}
"""By the name that ``PROVIDER_AUTH`` takes. The page has ``X-Authorization: AccessKey <token>``, as
a header or as a query argument, and in its section on flash calls ``HTTP Basic``,
``Authorization: token``; the others occur in public clients of this API."""


@dataclass(frozen=True, slots=True)
class FlashCall:
    """The dialect.

    Attributes:
        url: Base URL.
        access_key: The token.
        auth: A name of :data:`AUTH_FORMS`.
        call_timeout: How long the phone may ring, in milliseconds.
    """

    url: str
    access_key: str = field(repr=False)
    auth: str
    call_timeout: int

    @property
    def endpoint(self) -> Endpoint:
        """Where calls are requested, with the token."""
        return Endpoint(self.url + PATH, *AUTH_FORMS[self.auth](self.access_key))

    def payload(self, number: str, code: str) -> dict[str, Any]:
        """Return the body that asks for a call of ``number`` from a number with the code."""
        digits = number.removeprefix("+")
        return {"number": digits, "code": int(code), "timeout": self.call_timeout}

    def outcome(
        self, code: str, http_status: int, body: bytes, retry_after: float | None = None
    ) -> CallOutcome:
        """Return what the answer means.

        An error in the body decides over the HTTP status: a known errorCode, or else any
        ``status`` but ``ok``. An errorCode that is not in the table counts as its HTTP class, and
        over a 2xx it is a refusal. After a 5xx the provider counts as failing, whatever the body
        is.
        """
        answer = _parse(body)
        error_code = _error_code(answer, code)
        if 200 <= http_status < 300 and not _has_error(answer, error_code):
            return _success(code, answer)
        failed = _failed(answer, error_code, http_status, _seconds(retry_after))
        return replace(failed, provider_failing=http_status >= 500)

    def status(self, word: str) -> CallStatus | None:
        """Return what a status word means; None for a word that is not in the table."""
        result = DELIVERY_RESULTS.get(word)
        return CallStatus(word, result) if result else None


def _failed(answer: dict[str, Any], error_code: int | None, http_status: int, wait: int) -> Failed:
    word = _text(answer.get("status"))
    if error_code in ERROR_CODES:
        return _known_code(error_code, wait)
    if word in ERROR_WORDS:
        return _known_word(word)
    if 200 <= http_status < 300 or 400 <= http_status < 500 or _is_refusal(word):
        return _unlisted(http_status, error_code, word, wait)
    reason = f"The provider answered HTTP {http_status}; the phone may still ring."
    return Failed(reason, error_code, kind=FailureKind.UNREADABLE, refund=False)


def _known_code(error_code: int, wait: int) -> Failed:
    kind, meaning = ERROR_CODES[error_code]
    return Failed(
        f"The provider refused the call: {meaning}.",
        error_code,
        wait if kind is FailureKind.THROTTLED else None,
        kind=kind,
        refund=kind not in _COUNTED,
        cause=str(error_code),
    )


def _known_word(word: str) -> Failed:
    kind, meaning = ERROR_WORDS[word]
    return Failed(f"The provider refused the call: {meaning}.", kind=kind, refund=True, cause=word)


def _unlisted(http_status: int, error_code: int | None, word: str, wait: int) -> Failed:
    kind = HTTP_KINDS.get(http_status, FailureKind.REFUSED)
    return Failed(
        f"The provider refused the call, and its page does not list why (HTTP {http_status}).",
        error_code,
        wait if kind is FailureKind.THROTTLED else None,
        kind=kind,
        refund=True,
        word=word if _is_refusal(word) and _WORD.match(word) else None,
        cause=f"HTTP{http_status}" if error_code is None else str(error_code),
    )


def _success(code: str, answer: dict[str, Any]) -> CallOutcome:
    request_id = _text(answer.get("requestId"))
    if not 0 < len(request_id) <= MAX_REQUEST_ID_CHARACTERS:
        reason = "The provider's answer could not be read; the phone may still ring."
        return Failed(reason, kind=FailureKind.UNREADABLE, refund=False)
    return _placed(request_id, code, answer.get("from"))


def _has_error(answer: dict[str, Any], error_code: int | None) -> bool:
    """Return whether there is an errorCode other than 0, or a status other than ``ok``."""
    code = answer.get("errorCode") if error_code is None else error_code
    status = answer.get("status")
    return bool(code) or (status is not None and _text(status).lower() != OK)


def _is_refusal(word: str) -> bool:
    """Return whether a status that is text refuses the call."""
    return bool(word) and not word.isdecimal() and word.lower() != OK


def _placed(request_id: str, code: str, caller: object) -> Placed:
    """Return the call with prefix and length of the calling number, if it ends in the code.

    The prefix is None where the number is the code alone.
    """
    digits = strip_separators(_text(caller)).removeprefix("+").removeprefix(_CALL_ABROAD)
    if caller is None or (isinstance(caller, str) and not caller.strip()):
        return Placed(request_id, None, None, CallerProblem.MISSING)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_NUMBER_DIGITS):
        return Placed(request_id, None, None, CallerProblem.NOT_A_NUMBER)
    if not digits.endswith(code):
        return Placed(request_id, None, None, CallerProblem.OTHER_DIGITS)
    return Placed(request_id, digits[:-DIGITS] or None, len(digits))


def _parse(body: bytes) -> dict[str, Any]:
    """Return the object that a body contains, in any encoding of Unicode; else an empty one.

    A broken character, a raw control character or a number of any size, in whichever field, hides
    no other field.
    """
    text = body.decode(json.detect_encoding(body), "replace")
    try:
        answer = _decoded(text)
        if isinstance(answer, str):  # encoded twice
            answer = _decoded(answer)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _decoded(text: str) -> Any:
    return json.loads(text, strict=False, parse_int=_integer)


def _integer(digits: str) -> int | str:
    """Return an integer; as text where Python would refuse to parse it."""
    return int(digits) if len(digits) <= MAX_REQUEST_ID_CHARACTERS else digits


def _error_code(answer: dict[str, Any], code: str) -> int | None:
    match = _ERROR_CODE.match(_text(answer.get("errorCode")))
    # Only a few ASCII digits are parsed. The number is logged, stored and returned to login flows,
    # so one that contains the code is dropped: it may be the code, or the end of ``from``.
    return int(match[1]) if match and code not in match[1] else None


def _text(value: object) -> str:
    """Return a string or a whole number as text; empty for any other value, or a broken text."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 5178.0, in languages with one type of number
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    return "" if _BROKEN.search(text) else text


def _seconds(retry_after: float | None) -> int:
    wait = THROTTLE_SECONDS if retry_after is None else retry_after
    return max(1, math.ceil(min(wait, MAX_THROTTLE_SECONDS)))
