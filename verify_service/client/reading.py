"""What an answer means: its fields, or the error that its HTTP status stands for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from verify_service.client import errors
from verify_service.client.answers import Call, Check, Verification
from verify_service.client.wire import Answer, harmless
from verify_service.client.words import CallState, NextAction, State

Value = TypeVar("Value")
_E164 = re.compile(r"\+[0-9]{7,15}")

BY_HTTP: dict[int, type[errors.VerifyError]] = {
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    422: errors.KeyReused,
    429: errors.TooManyRequests,
    502: errors.CallFailed,
    503: errors.Unavailable,
}
"""The rest of the 4xx are InvalidRequest, the rest of the 5xx ServerError. By the HTTP status and
not by the word: words are added in time, and ``rpcError`` stands for two things."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one object of an answer, each read with its type or not at all."""

    answer: Answer
    values: Mapping[str, Any]

    def get(self, name: str, kind: type[Value]) -> Value:
        """Return a field that the contract promises."""
        value = self.maybe(name, kind)
        if value is None:
            raise unreadable(self.answer, f"{name!r} is missing or not of its type.")
        return value

    def maybe(self, name: str, kind: type[Value]) -> Value | None:
        """Return a field that may be absent; one of another type is as good as absent."""
        value = self.values.get(name)
        if type(value) is not kind:  # isinstance() would take True for a 1
            return None
        return value

    def inner(self, name: str) -> Fields:
        """Return the object under a name."""
        return Fields(self.answer, self.get(name, dict))


def understood(answer: Answer) -> Fields:
    """Return the fields of a success, or raise what the answer says.

    Raises:
        UnreadableAnswer: Whoever answered, it was not the service.
        Unavailable: A gateway says that the service is away, or the answer broke off.
        VerifyError: What the service says.
    """
    fields = Fields(answer, _object(answer.body))
    status = fields.maybe("status", str)
    if status == "ok" and 200 <= answer.http_status < 300:
        return fields
    if status in (None, "ok") or answer.http_status < 400:
        raise _not_the_service(answer)
    raise _error(answer, fields)


def verification(fields: Fields) -> Verification:
    """Read what start, status and cancel answer."""
    return Verification(
        verification_id=fields.get("verificationId", str),
        state=State(fields.get("state", str)),
        number=fields.get("number", str),
        call=_call(fields.inner("call")),
        checks_left=fields.get("checksLeft", int),
        expires_at=fields.get("expiresAt", int),
        expires_in=fields.get("expiresIn", int),
        restart_in=fields.get("restartIn", int),
        next_action=NextAction(fields.get("nextAction", str)),
        limit=fields.maybe("limit", str),
        retry_after=fields.maybe("retryAfter", int),
        reference=fields.maybe("reference", str),
        test=fields.maybe("test", bool) or False,
        request_id=fields.answer.request_id,
    )


def check(fields: Fields) -> Check:
    """Read what a check answers."""
    verified = fields.get("verified", bool)
    return Check(
        verified=verified,
        state=State(fields.get("state", str)),
        next_action=NextAction(fields.get("nextAction", str)),
        proven_number=_proven(fields) if verified else None,
        checks_left=fields.maybe("checksLeft", int),
        expires_in=fields.maybe("expiresIn", int),
        restart_in=fields.maybe("restartIn", int),
        limit=fields.maybe("limit", str),
        retry_after=fields.maybe("retryAfter", int),
        reference=fields.maybe("reference", str),
        test=fields.maybe("test", bool) or False,
        request_id=fields.answer.request_id,
    )


def unreadable(answer: Answer, reason: str) -> errors.UnreadableAnswer:
    """Return the error for an answer that the contract does not know. Never quotes it."""
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
    """Return the number of an answer that says verified, and means it."""
    number = fields.get("number", str)
    if not _E164.fullmatch(number) or fields.get("state", str) != State.APPROVED:
        raise unreadable(fields.answer, "It says verified, and not of whom or not in which state.")
    return number


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A key stands twice; which of them would count?")
    return found


def _not_the_service(answer: Answer) -> errors.VerifyError:
    broke_off = answer.http_status < 300 and not answer.body
    if answer.http_status >= 500 or broke_off:
        return errors.Unavailable(
            "The answer broke off." if broke_off else "Something before the service answered.",
            http_status=answer.http_status,
            retry_after=_seconds(answer.retry_after),
            request_id=answer.request_id,
        )
    kind = harmless(answer.content_type[:80]) or "no Content-Type"
    return unreadable(answer, f"This is no answer of the service ({kind}); is its address right?")


def _error(answer: Answer, fields: Fields) -> errors.VerifyError:
    wrong = fields.maybe("errors", dict) or {}
    action = fields.maybe("nextAction", str)
    retry_after = fields.maybe("retryAfter", int)
    return _class(answer.http_status, fields, wrong)(
        harmless(fields.maybe("errorReason", str) or "No reason given."),
        http_status=answer.http_status,
        status=fields.maybe("status", str),
        error_code=fields.maybe("errorCode", int),
        errors=wrong,
        limit=fields.maybe("limit", str),
        retry_after=_seconds(answer.retry_after) if retry_after is None else retry_after,
        verification_id=fields.maybe("verificationId", str),
        next_action=None if action is None else NextAction(action),
        restart_in=fields.maybe("restartIn", int),
        reference=fields.maybe("reference", str),
        request_id=answer.request_id,
    )


def _class(http: int, fields: Fields, wrong: dict[str, Any]) -> type[errors.VerifyError]:
    if http != 400:
        rest = errors.ServerError if http >= 500 else errors.InvalidRequest
        return BY_HTTP.get(http, rest)
    # Two of the wrong shapes are what a person typed, and no bug of the login flow.
    if fields.maybe("status", str) == "invalidDataError" or "number" in wrong:
        return errors.InvalidNumber
    return errors.InvalidCode if "code" in wrong else errors.InvalidRequest


def _seconds(retry_after: str) -> int | None:
    """Read a Retry-After; its other form, a date, only gateways send."""
    return int(retry_after) if re.fullmatch("[0-9]{1,9}", retry_after) else None
