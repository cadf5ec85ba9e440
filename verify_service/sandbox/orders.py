"""Reads the body of a call request: JSON, then shape, then values."""

import json
import re
from typing import NamedTuple, TypeGuard

from flask import Request

from verify_service.sandbox.wire import Refused, refusal_by_code, refusal_by_word

# Digits and length only: the page's own example, 791791367878, is no number of any country.
_NUMBER = re.compile(r"\+?[0-9]{7,15}")
_CODE = re.compile("[0-9]{4}")
_REMEMBERED_LENGTH = 32


class Order(NamedTuple):
    """A call to place: `timeout` in milliseconds, `code` as the four digits that ring."""

    number: str
    code: str
    timeout: int


class Glimpse(NamedTuple):
    """What can be told of a request that is not placed; None where it did not say."""

    number: str | None
    code: str | None
    timeout: int | None


def read_json(request: Request) -> object:
    """The body as a JSON value.

    Raises:
        Refused: `requiredJsonError`, by its Content-Type or by its text.
    """
    if not request.is_json:
        raise Refused(refusal_by_word("requiredJsonError", "Content-Type must be application/json"))
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError):
        raise Refused(refusal_by_word("requiredJsonError")) from None


def read_order(body: object) -> Order:
    """The call that a JSON body asks for. Unknown fields are ignored.

    Raises:
        Refused: `invalidSchemeError` for a missing or mistyped field, errorCode 11 for the number,
            errorCode 10 for another value that cannot be.
    """
    if not isinstance(body, dict):
        raise Refused(refusal_by_word("invalidSchemeError", "the body must be an object"))
    number, code, timeout = body.get("number"), body.get("code"), body.get("timeout")
    if not isinstance(number, str):
        raise _mistyped("number", "a string")
    if not (isinstance(code, str) or _is_integer(code)):
        raise _mistyped("code", "an integer")
    if not _is_integer(timeout):
        raise _mistyped("timeout", "an integer")
    # As an integer, a code below 1000 is short of four digits; as text, "0123" is a code.
    return _checked(Order(number, str(code), timeout))


def glimpse(request: Request) -> Glimpse:
    """What a refused request was about, as far as it can be read. Never raises."""
    try:
        body = read_json(request)
    except Refused:
        body = None
    fields = body if isinstance(body, dict) else {}
    timeout = fields.get("timeout")
    return Glimpse(
        _shown(fields.get("number")),
        _shown(fields.get("code")),
        timeout if _is_integer(timeout) else None,
    )


def _is_integer(value: object) -> TypeGuard[int]:
    # JSON's true is no integer, though Python's is.
    return isinstance(value, int) and not isinstance(value, bool)


def _mistyped(field: str, kind: str) -> Refused:
    return Refused(refusal_by_word("invalidSchemeError", f"{field} must be {kind}"))


def _checked(order: Order) -> Order:
    if not _NUMBER.fullmatch(order.number):
        raise Refused(refusal_by_code(11))
    if not _CODE.fullmatch(order.code) or order.timeout < 1:
        raise Refused(refusal_by_code(10))
    return order


def _shown(value: object) -> str | None:
    if isinstance(value, str) or _is_integer(value):
        return str(value)[:_REMEMBERED_LENGTH]
    return None
