"""The script: what happens to the next calls. Its lines, their JSON, and what a line can change."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, cast

from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from verify_service.sandbox.outcomes import CallbackFormat, Outcome, PlannedCallback, Timestamp
from verify_service.sandbox.problems import invalid_data, invalid_schema
from verify_service.sandbox.table import ORDINARY, Table
from verify_service.sandbox.vocabulary import STATUSES, Refusal, digits

MAX_LINES = 1_000
# Instead of a number: calls to every number.
ANY = "*"

# The largest integer that every JSON parser reads without loss.
LARGEST_INTEGER = 2**53 - 1
# A Unix time that is in the far future even in milliseconds.
LARGEST_TIMESTAMP = 10**15
# Characters.
LONGEST_TIMESTAMP = 64

_SEPARATORS = re.compile(r"[ .()\-]")
_NUMBER = re.compile(r"\+?[0-9]{7,15}")


class PhoneNumber(fields.String):
    """7 to 15 digits, in any spelling; `*` and null stand for any number."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, *args, **kwargs))
        if text != ANY and not is_number(text):
            raise ValidationError("Must be a phone number of 7 to 15 digits.")
        return text


class RequestId(fields.Field[str | int]):
    """A string or an integer."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str | int:
        if isinstance(value, str) and 0 < len(value) <= 256:
            return value
        if type(value) is int and 0 <= value <= LARGEST_INTEGER:
            return value
        raise ValidationError("Must be a string of 1 to 256 characters, or an integer from 0.")


class Moment(fields.Field[Timestamp]):
    """A number, or a text, which is sent as it is."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Timestamp:
        if type(value) in {int, float} and 0 <= value <= LARGEST_TIMESTAMP:
            return cast(Timestamp, value)
        if isinstance(value, str) and 0 < len(value) <= LONGEST_TIMESTAMP:
            return value
        raise ValidationError("Must be a number from 0, or a text of 1 to 64 characters.")


def _json_or_text(value: object) -> None:
    if not isinstance(value, str | dict | list):
        raise ValidationError("Must be a string, an object or an array.")


class LineSchema(Schema):
    """A line of the script. See `docs/sandbox.md`."""

    number = PhoneNumber(load_default=ANY, allow_none=True)
    times = fields.Integer(strict=True, load_default=1, validate=Range(1, 1_000))
    outcome = fields.String()
    answer_after = fields.Float(data_key="answerAfter", validate=Range(0, 600))
    callback_after = fields.Float(data_key="callbackAfter", validate=Range(0, 3_600))
    statuses = fields.List(fields.String(validate=OneOf(STATUSES)), validate=Length(max=10))
    timestamps = fields.List(Moment(), validate=Length(max=10))
    callback_format = fields.Enum(CallbackFormat, by_value=True, data_key="callbackFormat")
    caller = fields.String(data_key="from", allow_none=True, validate=Length(1, 256))
    request_id = RequestId(data_key="requestId", allow_none=True)
    http_status = fields.Integer(data_key="httpStatus", strict=True, validate=Range(200, 599))
    headers = fields.Dict(
        keys=fields.String(validate=Regexp(r"[A-Za-z0-9\-]{1,64}\Z")),
        values=fields.String(validate=Regexp(r"[ -~]{0,256}\Z")),
        validate=Length(max=10),
    )
    body = fields.Raw(validate=_json_or_text)


# Field of a line -> its name in JSON.
CHANGES = {
    name: field.data_key or name
    for name, field in LineSchema().fields.items()
    if name not in {"number", "times", "outcome"}
}
CHANGES_OF_A_REFUSAL = {"answer_after", "http_status", "headers"}


class CallbackSchema(Schema):
    """A callback that is sent by hand."""

    call = RequestId(required=True)
    status = fields.String(required=True, validate=OneOf(STATUSES))
    timestamp = Moment()
    app_key = fields.String(data_key="appKey", validate=Length(1, 256))
    number = fields.String(validate=Length(1, 256))
    request_id = RequestId(data_key="requestId")
    format = fields.Enum(CallbackFormat, by_value=True)


@dataclass(slots=True, eq=False)
class Line:
    """The outcome of the next `times` calls to `number`, or to any number."""

    number: str
    outcome: Outcome
    times: int

    def fits(self, number: str) -> bool:
        """Return whether a call to `number` can use it."""
        return self.number == ANY or digits(self.number) == digits(number)

    def as_json(self) -> Mapping[str, object]:
        return {"number": self.number, "times": self.times, **self.outcome.as_json()}


class Script:
    """The lines, first in, first out. Thread-safe: a line for one call is used by one call."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._lines: list[Line] = []
        self._lock = Lock()

    def add(self, fields: Mapping[str, Any]) -> Mapping[str, object]:
        """Add a line that `LineSchema` has loaded; return it as JSON.

        Raises:
            Problem: The line contradicts itself, or there are too many lines.
        """
        number = fields["number"] or ANY
        line = Line(number, change(self._base(number, fields), fields), fields["times"])
        with self._lock:
            if len(self._lines) >= MAX_LINES:
                raise invalid_data(f"{MAX_LINES} lines wait already; send DELETE /sandbox/next")
            self._lines.append(line)
            # As it was added: a call may use it before the answer.
            return line.as_json()

    def _base(self, number: str, fields: Mapping[str, Any]) -> Outcome:
        """Return the named outcome, else what would happen without a script."""
        name = fields.get("outcome")
        if name in self._table.named:
            return self._table.named[str(name)]
        if name is None and CHANGES.keys() & fields.keys():
            usual = ORDINARY if number == ANY else self._table.of(number)
            return replace(usual, name="scripted", meaning="as scripted")
        names, others = ", ".join(self._table.named), ", ".join(CHANGES.values())
        raise invalid_schema(f"outcome: Must be one of: {names}. Without it, use any of: {others}.")

    def take(self, number: str) -> Outcome:
        """Return the outcome of the oldest line that fits, once; else that of the table."""
        with self._lock:
            line = next((each for each in self._lines if each.fits(number)), None)
            if line is None:
                return self._table.of(number)
            line.times -= 1
            if not line.times:
                self._lines.remove(line)
            return line.outcome

    def as_json(self) -> list[Mapping[str, object]]:
        """Return the lines, the oldest first."""
        with self._lock:
            return [line.as_json() for line in self._lines]

    def clear(self) -> int:
        """Remove all lines; return how many there were."""
        with self._lock:
            count = len(self._lines)
            self._lines.clear()
        return count


def is_number(text: str) -> bool:
    """Return whether `text` has 7 to 15 digits, with or without separators."""
    return bool(_NUMBER.fullmatch(_SEPARATORS.sub("", text)))


def change(outcome: Outcome, fields: Mapping[str, Any]) -> Outcome:
    """Return `outcome` with the changes of a line.

    Raises:
        Problem: A change is not possible with this outcome.
    """
    outcome = replace(outcome, answer_after=fields.get("answer_after", outcome.answer_after))
    if outcome.refusal:
        return replace(outcome, refusal=_change_refusal(outcome.refusal, fields))
    return _change_callbacks(_change_answer(outcome, fields), fields)


def _change_refusal(refusal: Refusal, fields: Mapping[str, Any]) -> Refusal:
    for name in (CHANGES.keys() - CHANGES_OF_A_REFUSAL) & fields.keys():
        raise invalid_data(f"{CHANGES[name]}: {refusal.name} is a refusal and has no such field")
    return replace(
        refusal,
        http_status=fields.get("http_status", refusal.http_status),
        headers=refusal.headers + tuple(fields.get("headers", {}).items()),
    )


def _change_answer(outcome: Outcome, fields: Mapping[str, Any]) -> Outcome:
    """Change the answer; null leaves `from` or `requestId` out."""
    answer = outcome.answer
    missing = {"from"} if fields.get("caller", "") is None else set()
    missing |= {"requestId"} if fields.get("request_id", "") is None else set()
    answer = replace(
        answer,
        http_status=fields.get("http_status", answer.http_status),
        headers=answer.headers + tuple(fields.get("headers", {}).items()),
        without=answer.without | missing,
    )
    if "body" in fields:
        body = fields["body"]
        text = body if isinstance(body, str) else json.dumps(body)
        answer = replace(answer, body=text, padding=0)
    request_id = fields.get("request_id")
    return replace(
        outcome,
        answer=answer,
        caller=fields.get("caller") or outcome.caller,
        request_id=outcome.request_id if request_id is None else request_id,
    )


def _change_callbacks(outcome: Outcome, fields: Mapping[str, Any]) -> Outcome:
    callbacks = outcome.callbacks
    if "statuses" in fields:
        # The other properties of the outcome's callbacks stay, for example a forged key.
        usual = callbacks[0] if callbacks else PlannedCallback()
        callbacks = tuple(replace(usual, status=status) for status in fields["statuses"])
    timestamps = fields.get("timestamps")
    if timestamps is not None:
        if len(timestamps) != len(callbacks):
            raise invalid_data(f"timestamps: must be as many as the callbacks, {len(callbacks)}")
        pairs = zip(callbacks, timestamps, strict=True)
        callbacks = tuple(replace(each, timestamp=timestamp) for each, timestamp in pairs)
    if "callback_format" in fields:
        if not callbacks:
            raise invalid_data("callbackFormat: no callback is sent")
        form = fields["callback_format"]
        callbacks = tuple(replace(each, format=form) for each in callbacks)
    if "callback_after" in fields:
        if not callbacks or outcome.callback_first:
            raise invalid_data("callbackAfter: no callback is sent after the answer")
        first = replace(callbacks[0], after=fields["callback_after"])
        callbacks = (first, *callbacks[1:])
    return replace(outcome, callbacks=callbacks)
