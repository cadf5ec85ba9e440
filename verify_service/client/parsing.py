"""Parses an answer: into a value, or into the error of its HTTP status."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from verify_service.client import errors
from verify_service.client.models import Call, Check, Verification
from verify_service.client.transport import HttpAnswer, printable
from verify_service.client.vocabulary import CallState, NextAction, State

Value = TypeVar("Value")
_E164 = re.compile(r"\+[0-9]{7,15}")

BY_HTTP: dict[int, type[errors.VerifyError]] = {
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    408: errors.Unavailable,
    409: errors.Conflict,
    422: errors.KeyReused,
    429: errors.TooManyRequests,
    502: errors.CallFailed,
    503: errors.Unavailable,
}
"""Any other 4xx is InvalidRequest, any other 5xx ServerError. The HTTP status decides, not the
word: a newer service can have more words, and ``rpcError`` has two meanings."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of an object in an answer or in an event, read with their types.

    Attributes:
        unreadable: Returns the error for a field that does not follow the contract.
        request_id: The answer's; None in an event.
    """

    values: Mapping[str, Any]
    unreadable: Callable[[str], Exception]
    request_id: str | None = None

    def get(self, name: str, kind: type[Value]) -> Value:
        """Return a required field."""
        value = self.maybe(name, kind)
        if value is None:
            raise self.unreadable(f"{name!r} is missing or has another type.")
        return value

    def maybe(self, name: str, kind: type[Value]) -> Value | None:
        """Return an optional field; None where it has another type."""
        value = self.values.get(name)
        if type(value) is not kind:  # isinstance() would accept True as an integer
            return None
        return value

    def shared(self) -> dict[str, Any]:
        """Return the fields that every answer about a verification can have."""
        return {
            "state": State(self.get("state", str)),
            "next_action": NextAction(self.get("nextAction", str)),
            "limit": self.maybe("limit", str),
            "retry_after": self.maybe("retryAfter", int),
            "reference": self.maybe("reference", str),
            "test": self.maybe("test", bool) or False,
            "request_id": self.request_id,
        }

    def inside(self, name: str) -> Fields:
        """Return the fields of a required object."""
        return replace(self, values=self.get(name, dict))


def parse(answer: HttpAnswer) -> Fields:
    """Return the fields of a success.

    Raises:
        UnreadableAnswer: The answer is not the service's.
        Unavailable: A gateway answers that the service is not available.
        VerifyError: The service's error.
    """
    fields = Fields(json_object(answer.body), partial(unreadable, answer), answer.request_id)
    status = fields.maybe("status", str)
    if status == "ok" and 200 <= answer.http_status < 300:
        return fields
    if status in (None, "ok") or answer.http_status < 400:
        raise _not_the_service(answer)
    raise _error(answer, fields)


def verification(fields: Fields) -> Verification:
    """Return the result of start, status or cancel."""
    return Verification(
        verification_id=fields.get("verificationId", str),
        number=fields.get("number", str),
        call=_call(fields.inside("call")),
        checks_left=fields.get("checksLeft", int),
        expires_at=fields.get("expiresAt", int),
        expires_in=fields.get("expiresIn", int),
        restart_in=fields.get("restartIn", int),
        **fields.shared(),
    )


def check(fields: Fields) -> Check:
    """Return the result of a check."""
    verified = fields.get("verified", bool)
    return Check(
        verified=verified,
        proven_number=_proven(fields) if verified else None,
        checks_left=fields.maybe("checksLeft", int),
        expires_in=fields.maybe("expiresIn", int),
        restart_in=fields.maybe("restartIn", int),
        **fields.shared(),
    )


def unreadable(answer: HttpAnswer, reason: str) -> errors.UnreadableAnswer:
    """Return the error for an answer that does not follow the contract. It is not quoted."""
    return errors.UnreadableAnswer(
        reason, http_status=answer.http_status, request_id=answer.request_id
    )


def _call(fields: Fields) -> Call:
    return Call(
        state=CallState(fields.get("state", str)),
        caller_prefix=fields.maybe("callerPrefix", str),
        caller_length=fields.maybe("callerLength", int),
        code_digits=fields.get("codeDigits", int),
        provider_status=fields.maybe("providerStatus", str),
        at=fields.maybe("at", int),
    )


def _proven(fields: Fields) -> str:
    number = fields.get("number", str)
    if not _E164.fullmatch(number) or fields.get("state", str) != State.APPROVED:
        raise fields.unreadable("It is verified without an approved state or a number.")
    return number


def json_object(body: bytes) -> dict[str, Any]:
    """Return the object, or an empty one where the body is no JSON object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _not_the_service(answer: HttpAnswer) -> errors.VerifyError:
    empty = answer.http_status < 300 and not answer.body
    if answer.http_status >= 500 or empty:
        return errors.Unavailable(
            "The answer is empty." if empty else "A gateway answered, not the service.",
            http_status=answer.http_status,
            retry_after=_seconds(answer.retry_after),
            request_id=answer.request_id,
        )
    kind = printable(answer.content_type[:80]) or "no Content-Type"
    return unreadable(answer, f"The answer ({kind}) is not the service's; check the address.")


def _error(answer: HttpAnswer, fields: Fields) -> errors.VerifyError:
    invalid = fields.maybe("errors", dict) or {}
    action = fields.maybe("nextAction", str)
    retry_after = fields.maybe("retryAfter", int)
    return _class(answer.http_status, fields, invalid)(
        printable(fields.maybe("errorReason", str) or "No reason given."),
        http_status=answer.http_status,
        status=fields.maybe("status", str),
        reason_word=fields.maybe("reason", str),
        error_code=fields.maybe("errorCode", int),
        errors=invalid,
        limit=fields.maybe("limit", str),
        retry_after=_seconds(answer.retry_after) if retry_after is None else retry_after,
        verification_id=fields.maybe("verificationId", str),
        next_action=None if action is None else NextAction(action),
        restart_in=fields.maybe("restartIn", int),
        reference=fields.maybe("reference", str),
        request_id=answer.request_id,
    )


def _class(http: int, fields: Fields, invalid: dict[str, Any]) -> type[errors.VerifyError]:
    if http != 400:
        rest = errors.ServerError if http >= 500 else errors.InvalidRequest
        return BY_HTTP.get(http, rest)
    # A person typed these two; they are not errors of the login flow.
    if fields.maybe("status", str) == "invalidDataError" or "number" in invalid:
        return errors.InvalidNumber
    return errors.InvalidCode if "code" in invalid else errors.InvalidRequest


def _seconds(retry_after: str) -> int | None:
    """Parse a Retry-After in seconds. Only gateways send a date, which is ignored."""
    return int(retry_after) if re.fullmatch("[0-9]{1,9}", retry_after) else None
