"""Reads a request to call: its token, then its JSON, then its fields."""

import json
import re
from base64 import b64encode
from hmac import compare_digest
from typing import NamedTuple, TypeGuard

from flask import Request

from verify_service.sandbox.vocabulary import Refusal, refusal_by_code, refusal_by_word

# Milliseconds, for a request without `timeout`. The example on the provider's page.
DEFAULT_TIMEOUT = 60_000
# Characters of a refused request's field that are kept.
KEPT_LENGTH = 32

# Only digits and length are checked: the page's own example, 791791367878, is not a valid number.
_NUMBER = re.compile(r"\+?[0-9]{7,15}")
_CODE = re.compile("[0-9]{4}")


class Refused(Exception):
    """The request is refused; `refusal` is the answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.name)
        self.refusal = refusal


class CallRequest(NamedTuple):
    """The fields of a request to call; None where a refused request did not have a valid one.

    Attributes:
        code: The four digits that ring.
        timeout: Milliseconds.
    """

    number: str | None
    code: str | None
    timeout: int | None


def has_token(request: Request, token: str) -> bool:
    """Return whether the request has the token in a form of the page, or of real clients.

    The page has `X-Authorization: AccessKey <token>`, as a header or as a query argument, and for
    flash calls `Authorization: <token>`. Real clients also use the other schemes.
    """
    basic = [f"Basic {token}"]
    if ":" in token:  # RFC 7617: user:password in base64
        basic.append(f"Basic {b64encode(token.encode()).decode()}")
    access_key = f"AccessKey {token}"
    headers = request.headers
    return (
        # WSGI decodes the bytes of a header as Latin-1.
        _matches(
            headers.get("X-Authorization", "").encode("latin-1"),
            [access_key, f"Bearer {token}", *basic],
        )
        or _matches(headers.get("Authorization", "").encode("latin-1"), [token, access_key, *basic])
        or _matches(request.args.get("X-Authorization", "").encode(), [access_key])
    )


def _matches(presented: bytes, forms: list[str]) -> bool:
    return any(compare_digest(presented, form.encode()) for form in forms)


def read(request: Request) -> CallRequest:
    """Return the call that the body requests. Unknown fields are ignored.

    Raises:
        Refused: `requiredJsonError` for a body that is not JSON, `invalidSchemeError` for a
            missing field or a wrong type, errorCode 11 for the number, errorCode 10 for any other
            value that is not valid.
    """
    body = _read_json(request)
    if not isinstance(body, dict):
        raise Refused(refusal_by_word("invalidSchemeError", "the body must be an object"))
    number, code = body.get("number"), body.get("code")
    # Some languages send an absent field as null.
    timeout = DEFAULT_TIMEOUT if body.get("timeout") is None else body["timeout"]
    if not isinstance(number, str):
        raise _wrong_type("number", "a string")
    if not (isinstance(code, str) or _is_integer(code)):
        raise _wrong_type("code", "an integer")
    if not _is_integer(timeout):
        raise _wrong_type("timeout", "an integer")
    if not _NUMBER.fullmatch(number):
        raise Refused(refusal_by_code(11))
    # As an integer a code below 1000 has fewer than four digits; as a string "0123" is valid.
    if not _CODE.fullmatch(str(code)) or timeout < 1:
        raise Refused(refusal_by_code(10))
    return CallRequest(number, str(code), timeout)


def read_refused(request: Request) -> CallRequest:
    """Return what a refused request has, for the list of calls. Never raises."""
    try:
        body = _read_json(request)
    except Refused:
        body = None
    fields = body if isinstance(body, dict) else {}
    timeout = fields.get("timeout")
    return CallRequest(
        _shortened(fields.get("number")),
        _shortened(fields.get("code")),
        timeout if _is_integer(timeout) else None,
    )


def _read_json(request: Request) -> object:
    if not request.is_json:
        raise Refused(refusal_by_word("requiredJsonError", "Content-Type must be application/json"))
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError):
        raise Refused(refusal_by_word("requiredJsonError")) from None


def _is_integer(value: object) -> TypeGuard[int]:
    # In Python, unlike JSON, True is an integer.
    return isinstance(value, int) and not isinstance(value, bool)


def _wrong_type(field: str, kind: str) -> Refused:
    return Refused(refusal_by_word("invalidSchemeError", f"{field} must be {kind}"))


def _shortened(value: object) -> str | None:
    if isinstance(value, str) or _is_integer(value):
        return str(value)[:KEPT_LENGTH]
    return None
