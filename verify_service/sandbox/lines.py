"""Reads what is to happen: a line of the script, or a callback to send at once."""

from dataclasses import replace

from verify_service.sandbox.changes import (
    LATEST,
    OF_A_PLACED_CALL,
    OF_ANY_CALL,
    STATUSES,
    change,
)
from verify_service.sandbox.complaints import wrong_shape
from verify_service.sandbox.fields import Fields, is_number, one_of
from verify_service.sandbox.outcomes import Notice, Outcome
from verify_service.sandbox.script import ANY, Line
from verify_service.sandbox.table import ORDINARY, Table

MAX_TIMES = 1_000


def read_line(fields: Fields, table: Table) -> Line:
    """The line that a body asks for.

    Raises:
        Complaint: something is not allowed, or asks for what cannot be.
    """
    number = _number(fields)
    times = fields.integer("times", 1, MAX_TIMES)
    outcome = change(_outcome(fields, table, number), fields)
    fields.end()
    return Line(number, outcome, times or 1)


def read_callback(fields: Fields) -> tuple[str, Notice]:
    """Which call is meant, by requestId or number, and the callback to send about it.

    Raises:
        Complaint: something is missing or not allowed.
    """
    call, status = fields.identity("call"), fields.choice("status", STATUSES)
    timestamp = fields.integer("timestamp", 0, LATEST)
    app_key, number = fields.text("appKey"), fields.text("number")
    request_id = fields.identity("requestId")
    fields.end()
    if call is None:
        raise wrong_shape("call must be a requestId, or a number whose newest call is meant")
    if status is None:
        raise wrong_shape(f"status must be {one_of(STATUSES)}")
    notice = Notice(status, None, 0, timestamp, app_key, number, request_id)
    return str(call), notice


def _number(fields: Fields) -> str:
    value = fields.raw("number")
    if value is None or value == ANY:
        return ANY
    if isinstance(value, str) and is_number(value):
        return value
    raise wrong_shape("number must be a phone number of 7 to 15 digits, or * for any")


def _outcome(fields: Fields, table: Table, number: str) -> Outcome:
    """The one that is named; else what would happen anyway, for something else to be changed."""
    name = fields.choice("outcome", table.named)
    if name is not None:
        return table.named[name]
    changes = (*OF_ANY_CALL, *OF_A_PLACED_CALL)
    if not any(fields.has(each) for each in changes):
        allowed, others = one_of(table.named), ", ".join(changes)
        raise wrong_shape(f"outcome must be {allowed}; without one, give any of {others}")
    usual = ORDINARY if number == ANY else table.of(number)
    return replace(usual, name="scripted", meaning="as scripted")
