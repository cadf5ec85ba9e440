"""What a line of the script can change: answers and callbacks, over the wire."""

import time
from typing import Any

import pytest

from .harness import KEY, ORDINARY_NUMBER, Receiver, Sandbox

pytestmark = pytest.mark.slow
"""Together they wait for seconds."""

OTHER_NUMBER = "79167654321"


def test_the_answer_later(calling: Sandbox, receiver: Receiver) -> None:
    """`answerAfter`, of a call that is placed and of one that is refused; callbacks wait for it."""
    calling.next(answerAfter=0.2)
    calling.next(outcome="errorCode 6", answerAfter=0.2)
    began = time.monotonic()
    assert calling.place().status_code == 200
    assert time.monotonic() - began >= 0.2
    assert receiver.wait_for(1)[0]["at"] - began >= 0.2
    began = time.monotonic()
    assert calling.place().status_code == 403
    assert time.monotonic() - began >= 0.2


def test_the_callback_later(calling: Sandbox, receiver: Receiver) -> None:
    """`callbackAfter` instead of the configured delay; the answer does not wait for it."""
    calling.next(number=ORDINARY_NUMBER, callbackAfter=1)
    began = time.monotonic()
    calling.place()
    calling.place(OTHER_NUMBER)
    first, second = receiver.wait_for(2)
    assert (first["number"], second["number"]) == (OTHER_NUMBER, ORDINARY_NUMBER)
    assert second["at"] - began >= 1


def test_statuses_and_timestamps(calling: Sandbox, receiver: Receiver) -> None:
    """One callback for each, in their order, as old as they are said to be."""
    calling.next(statuses=["REJECTED", "ANSWERED", "VOICEMAIL"], timestamps=[30, 10, 20])
    calling.place()
    came = receiver.wait_for(3)
    assert [each["status"] for each in came] == ["REJECTED", "ANSWERED", "VOICEMAIL"]
    assert [each["timestamp"] for each in came] == [30, 10, 20]


def test_no_statuses(calling: Sandbox, receiver: Receiver) -> None:
    """An empty list is no callback at all."""
    calling.next(number=OTHER_NUMBER, statuses=[])
    calling.place(OTHER_NUMBER)
    calling.place()
    assert receiver.wait_for(1)[0]["number"] == ORDINARY_NUMBER


def test_other_statuses_of_a_bad_callback(calling: Sandbox, receiver: Receiver) -> None:
    """What is bad about the outcome's callbacks is bad about these."""
    calling.next(outcome="forgedAppKey", statuses=["ANSWERED", "BUSY_HERE"])
    calling.place()
    came = receiver.wait_for(2)
    assert {each["appKey"] for each in came} == {"forged-app-key"}
    assert [each["status"] for each in came] == ["ANSWERED", "BUSY_HERE"]


@pytest.mark.parametrize("request_id", ["abc", 12345, 0])
def test_another_request_id(calling: Sandbox, receiver: Receiver, request_id: str | int) -> None:
    """A text or an integer, in the answer and in the callback alike."""
    calling.next(requestId=request_id)
    assert calling.place().json()["requestId"] == request_id
    assert receiver.wait_for(1)[0]["requestId"] == request_id


def test_another_caller(sandbox: Sandbox) -> None:
    """`from`, whatever the code; the phone shows it too."""
    sandbox.next(**{"from": "+49 30 0000"})
    assert sandbox.place().json()["from"] == "+49 30 0000"
    assert sandbox.calls()[0]["from"] == "+49 30 0000"


@pytest.mark.parametrize("field", ["from", "requestId"])
def test_null_leaves_a_field_out(calling: Sandbox, receiver: Receiver, field: str) -> None:
    """Of the answer; the callback has all it needs."""
    calling.next(**{field: None})
    assert set(calling.place().json()) == {"requestId", "from", "status"} - {field}
    assert receiver.wait_for(1)[0]["requestId"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("not JSON", "not JSON"),
        ("", ""),
        ({"requestId": "x", "more": [1]}, '{"requestId": "x", "more": [1]}'),
        ([], "[]"),
        ("приве́т", "приве́т"),
    ],
    ids=str,
)
def test_a_raw_answer(calling: Sandbox, receiver: Receiver, body: Any, text: str) -> None:
    """Text as it is, objects and lists as JSON, under any HTTP status; the phone rings."""
    calling.next(httpStatus=502, body=body)
    answer = calling.place()
    assert (answer.status_code, answer.content.decode()) == (502, text)
    assert answer.headers["Content-Type"] == "application/json"
    assert receiver.wait_for(1)


def test_headers(sandbox: Sandbox) -> None:
    """Added to the answer, or instead of its own."""
    sandbox.next(headers={"X-Extra": "1", "Content-Type": "text/plain"})
    answer = sandbox.place()
    assert (answer.headers["X-Extra"], answer.headers["Content-Type"]) == ("1", "text/plain")


def test_headers_beside_those_of_the_outcome(sandbox: Sandbox) -> None:
    """A redirect goes on leading somewhere."""
    sandbox.next(outcome="redirect", headers={"X-Extra": "1"})
    answer = sandbox.post(
        json={"number": ORDINARY_NUMBER, "code": 1234, "timeout": 1},
        headers=KEY,
        allow_redirects=False,
    )
    assert answer.headers["Location"] == "/api/apps/flash/calls/moved"
    assert (answer.status_code, answer.headers["X-Extra"]) == (307, "1")


def test_a_refusal_under_another_http_status(sandbox: Sandbox) -> None:
    """The words stay, and so does what was special about it."""
    sandbox.next(outcome="retryAfter", httpStatus=500, headers={"X-Extra": "1"})
    answer = sandbox.place()
    assert (answer.status_code, answer.json()["errorCode"]) == (500, 4)
    assert (answer.headers["Retry-After"], answer.headers["X-Extra"]) == ("7", "1")


def test_what_is_slow_stays_slow(sandbox: Sandbox) -> None:
    """Another body goes the outcome's own way."""
    sandbox.next(outcome="answerCutShort", httpStatus=201, body="0123456789")
    with sandbox.open() as client:
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert answer.endswith(b"\r\n\r\n01234")
