"""Changes an outcome as a line of the script says: its answer, its callbacks, its refusal."""

import json
from collections.abc import Sequence
from dataclasses import replace

from verify_service.sandbox.complaints import wrong_shape, wrong_value
from verify_service.sandbox.fields import Fields
from verify_service.sandbox.outcomes import Notice, Outcome
from verify_service.sandbox.wire import CALL_STATUSES, UNKNOWN_STATUS, Refusal

STATUSES = (*CALL_STATUSES, UNKNOWN_STATUS)
"""What a callback may say: the page's six, and one it lacks. Anything else is a typing error."""

MAX_CALLBACKS = 10
MAX_HEADERS = 10
LONGEST_ANSWER_AFTER = 600
"""Seconds."""
LONGEST_CALLBACK_AFTER = 3_600
"""Seconds."""
LATEST = 10**15
"""A unixtime that is too late even in milliseconds."""

OF_ANY_CALL = ("answerAfter", "httpStatus", "headers")
OF_A_PLACED_CALL = ("body", "from", "requestId", "statuses", "timestamps", "callbackAfter")


def change(outcome: Outcome, fields: Fields) -> Outcome:
    """`outcome` with what `fields` say in place of its own.

    Raises:
        Complaint: a field has a value that is not allowed, or asks for what cannot be.
    """
    seconds = fields.seconds("answerAfter", LONGEST_ANSWER_AFTER)
    if seconds is not None:
        outcome = replace(outcome, answer_after=seconds)
    if outcome.refusal:
        return replace(outcome, refusal=_refused(outcome.refusal, fields))
    return _called_back(_named(_answered(outcome, fields), fields), fields)


def _refused(refusal: Refusal, fields: Fields) -> Refusal:
    for name in OF_A_PLACED_CALL:
        if fields.has(name):
            raise wrong_value(f"{name}: {refusal.name} is a refusal, which has none to change")
    http_status = _http_status(fields) or refusal.http_status
    return replace(refusal, http_status=http_status, headers=refusal.headers + _headers(fields))


def _answered(outcome: Outcome, fields: Fields) -> Outcome:
    answer = replace(
        outcome.answer,
        http_status=_http_status(fields) or outcome.answer.http_status,
        headers=outcome.answer.headers + _headers(fields),
    )
    if fields.has("body"):
        answer = replace(answer, body=_body(fields.raw("body")), padding=0)
    return replace(outcome, answer=answer)


def _named(outcome: Outcome, fields: Fields) -> Outcome:
    """Who calls, and under which id; null leaves it out of the answer."""
    missing = {name for name in ("from", "requestId") if fields.is_null(name)}
    caller = None if "from" in missing else fields.text("from")
    request_id = None if "requestId" in missing else fields.identity("requestId")
    return replace(
        outcome,
        answer=replace(outcome.answer, without=outcome.answer.without | missing),
        caller=outcome.caller if caller is None else caller,
        request_id=outcome.request_id if request_id is None else request_id,
    )


def _called_back(outcome: Outcome, fields: Fields) -> Outcome:
    notices = outcome.callbacks
    statuses = fields.choices("statuses", STATUSES, MAX_CALLBACKS)
    if statuses is not None:
        # Whatever else is special about the outcome's callbacks stays: a forged key, say.
        usual = notices[0] if notices else Notice()
        notices = tuple(replace(usual, status=status) for status in statuses)
    notices = _stamped(notices, fields.integers("timestamps", 0, LATEST))
    after = fields.seconds("callbackAfter", LONGEST_CALLBACK_AFTER)
    if after is not None:
        if not notices or outcome.callback_first:
            raise wrong_value("callbackAfter: no callback comes after the answer")
        notices = (replace(notices[0], after=after), *notices[1:])
    return replace(outcome, callbacks=notices)


def _stamped(notices: Sequence[Notice], timestamps: list[int] | None) -> tuple[Notice, ...]:
    if timestamps is None:
        return tuple(notices)
    if len(timestamps) != len(notices):
        raise wrong_value(f"timestamps must be as many as the callbacks, {len(notices)}")
    return tuple(
        replace(notice, timestamp=timestamp)
        for notice, timestamp in zip(notices, timestamps, strict=True)
    )


def _http_status(fields: Fields) -> int | None:
    return fields.integer("httpStatus", 200, 599)


def _headers(fields: Fields) -> tuple[tuple[str, str], ...]:
    return tuple((fields.texts("headers", MAX_HEADERS) or {}).items())


def _body(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value)
    raise wrong_shape("body must be a text, sent as it is, or an object or a list, sent as JSON")
