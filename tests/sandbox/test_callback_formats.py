"""Callbacks in every format that occurs, so that a receiver of them can be rehearsed."""

from typing import Any

import pytest

from verify_service.sandbox import SandboxConfig
from verify_service.sandbox.outcomes import CallbackFormat

from .conftest import Start
from .harness import ORDINARY_NUMBER, Receiver, Sandbox

JSON = (
    b'{"requestId": 17, "number": "79161234567", "status": "BUSY_HERE", '
    b'"timestamp": 1790000000, "appKey": "sandbox-app-key"}'
)
FORM = (
    b"requestId=17&number=79161234567&status=BUSY_HERE&timestamp=1790000000&appKey=sandbox-app-key"
)
URLENCODED = "application/x-www-form-urlencoded"
FORMATS = {
    "json": ("POST", "application/json", JSON),
    "jsonAsForm": ("POST", URLENCODED, JSON),
    "jsonAsText": ("POST", "text/plain", JSON),
    "jsonWithoutType": ("POST", None, JSON),
    "jsonWithMark": ("POST", "application/json", b"\xef\xbb\xbf" + JSON),
    "form": ("POST", URLENCODED, FORM),
    "get": ("GET", None, b""),
}
ROWS = {
    "79990000412": ("formCallback", "form"),
    "79990000413": ("jsonAsFormCallback", "jsonAsForm"),
    "79990000414": ("untypedCallback", "jsonWithoutType"),
    "79990000415": ("getCallback", "get"),
}
TRUTH = {
    "requestId": "17",
    "number": ORDINARY_NUMBER,
    "status": "BUSY_HERE",
    "timestamp": "1790000000",
    "appKey": "sandbox-app-key",
}


def as_text(came: dict[str, Any]) -> dict[str, str]:
    """The fields of a callback, all as text: a form has no integers."""
    return {name: str(value) for name, value in came.items() if name != "at"}


@pytest.mark.parametrize("name", FORMATS)
def test_byte_by_byte(calling: Sandbox, receiver: Receiver, name: str) -> None:
    """The method, the Content-Type and the body; the fields are the same in each."""
    calling.next(requestId=17, statuses=["BUSY_HERE"], timestamps=[1790000000], callbackFormat=name)
    calling.place()
    [came] = receiver.wait_for(1)
    assert as_text(came) == TRUTH
    method, content_type, body = FORMATS[name]
    assert (receiver.forms, receiver.raw) == ([(method, content_type)], [body])


def test_multipart(calling: Sandbox, receiver: Receiver) -> None:
    """A form with a boundary: what PHP sends for an array."""
    calling.next(
        requestId=17, statuses=["BUSY_HERE"], timestamps=[1790000000], callbackFormat="multipart"
    )
    calling.place()
    [came] = receiver.wait_for(1)
    assert as_text(came) == TRUTH
    [(method, content_type)] = receiver.forms
    assert method == "POST"
    assert str(content_type).startswith("multipart/form-data; boundary=")
    assert b"filename" not in receiver.raw[0]


def test_every_format_is_tested() -> None:
    assert {*FORMATS, "multipart"} == set(CallbackFormat)


def test_all_callbacks_of_a_call(calling: Sandbox, receiver: Receiver) -> None:
    """Each has the format, and what the outcome says besides."""
    calling.next(outcome="forgedAppKey", statuses=["REJECTED", "ANSWERED"], callbackFormat="form")
    calling.place()
    came = receiver.wait_for(2)
    assert [each["status"] for each in came] == ["REJECTED", "ANSWERED"]
    assert {each["appKey"] for each in came} == {"forged-app-key"}
    assert receiver.forms == [("POST", URLENCODED)] * 2


@pytest.mark.parametrize(("number", "row"), ROWS.items())
def test_the_numbers(
    calling: Sandbox, receiver: Receiver, number: str, row: tuple[str, str]
) -> None:
    """Four of the formats have a number of their own."""
    name, callback_format = row
    assert calling.place(number).status_code == 200
    assert calling.calls()[0]["outcome"] == name
    assert receiver.wait_for(1)[0]["status"] == "TERMINATED"
    assert receiver.forms == [FORMATS[callback_format][:2]]


@pytest.mark.parametrize("name", FORMATS)
def test_by_hand(calling: Sandbox, receiver: Receiver, name: str) -> None:
    calling.next(statuses=[])
    calling.place()
    body = {"call": ORDINARY_NUMBER, "status": "ANSWERED", "format": name}
    assert calling.tell("/sandbox/callbacks", body).json()["callback"]["httpStatus"] == 200
    assert receiver.came[0]["status"] == "ANSWERED"
    assert receiver.forms == [FORMATS[name][:2]]


@pytest.mark.parametrize(
    ("timestamp", "whole"),
    [
        (1790000000.5, 1790000000),
        ("1790000000", 1790000000),
        ("1790000000.123456", 1790000000),
        (1790000000123, 1790000000123),
        ("2026-11-26T04:00:00Z", 0),
        ("1e999", 0),
    ],
)
def test_timestamps(
    calling: Sandbox, receiver: Receiver, timestamp: float | str, whole: int
) -> None:
    """A fraction, a text, milliseconds: sent as they are, and listed in whole seconds."""
    calling.next(timestamps=[timestamp])
    calling.place()
    assert receiver.wait_for(1)[0]["timestamp"] == timestamp
    sent = calling.control.send_callback(ORDINARY_NUMBER, "ANSWERED", timestamp=timestamp)
    assert receiver.came[1]["timestamp"] == timestamp
    assert sent.timestamp == whole


def test_from_python(calling: Sandbox, receiver: Receiver) -> None:
    """Both methods of `SandboxControl` that send callbacks have the argument."""
    calling.control.next_call(ORDINARY_NUMBER, "ANSWERED", callback_format="get")
    calling.place()
    receiver.wait_for(1)
    call = calling.control.last_call()
    calling.control.send_callback(call, "ANSWERED", callback_format="form")
    assert receiver.forms == [("GET", None), ("POST", URLENCODED)]


def test_a_url_with_a_query(start: Start, receiver: Receiver) -> None:
    """A GET keeps the query of the callback URL."""
    url = f"{receiver.url}?from=provider"
    sandbox = start(SandboxConfig(callback_url=url, callback_delay=0))
    sandbox.place("79990000415")
    [came] = receiver.wait_for(1)
    assert (came["from"], came["number"]) == ("provider", "79990000415")


@pytest.mark.parametrize(
    ("path", "body", "word", "error"),
    [
        ("next", {"callbackFormat": "xml"}, "invalidSchemeError", "callbackFormat: Must be one of"),
        (
            "next",
            {"callbackFormat": "form", "statuses": []},
            "invalidDataError",
            "callbackFormat: no callback is sent",
        ),
        (
            "next",
            {"callbackFormat": "form", "outcome": "errorCode 6"},
            "invalidDataError",
            "callbackFormat: errorCode 6 is a refusal",
        ),
        (
            "callbacks",
            {"call": "x", "status": "ANSWERED", "format": "JSON"},
            "invalidSchemeError",
            "format: Must be one of: json, jsonAsForm",
        ),
    ],
    ids=str,
)
def test_refused(calling: Sandbox, path: str, body: dict[str, Any], word: str, error: str) -> None:
    """The error names the field."""
    answer = calling.tell(f"/sandbox/{path}", body)
    assert (answer.status_code, answer.json()["status"]) == (400, word)
    assert answer.json()["error"].startswith(error)
