"""Answers that are not what they should be: the rows 031N to 035N, each over the wire."""

from typing import Any

import pytest
import requests

from verify_service.sandbox import SandboxConfig

from .conftest import Start
from .harness import ORDINARY_NUMBER, Receiver, Sandbox, everything

INTEGER_ID, FOREIGN_FROM = "79990000311", "79990000313"
LACKING = {"79990000312": "requestId", "79990000314": "from", "79990000315": "status"}
BROKEN, HTML, EMPTY, HUGE = "79990000321", "79990000322", "79990000323", "79990000324"
REDIRECT = "79990000331"
ODD_ERRORS: dict[str, tuple[int, dict[str, Any]]] = {
    "79990000341": (200, {"errorCode": 6, "errorReason": "Insufficient funds"}),
    "79990000342": (400, {"errorCode": 42, "errorReason": "Lunar eclipse"}),
    "79990000343": (200, {"status": "strangeError", "error": "Lunar eclipse"}),
    "79990000344": (429, {"errorCode": 4, "errorReason": "Too many requests"}),
}
HTTP_ERRORS = {"79990000350": 500, "79990000353": 503}
BAD_ANSWERS = {
    *(INTEGER_ID, FOREIGN_FROM, *LACKING),
    *(BROKEN, HTML, EMPTY, HUGE, REDIRECT, *ODD_ERRORS, *HTTP_ERRORS),
}


@pytest.mark.parametrize("number", ["79990000304", REDIRECT, *HTTP_ERRORS])
def test_no_phone_rings(start: Start, receiver: Receiver, number: str) -> None:
    """No callback, though one comes for the call after it."""
    sandbox = start(SandboxConfig(callback_url=receiver.url, callback_delay=0, hang=0.1))
    with sandbox.open(number) as client:
        everything(client)
    sandbox.place()
    assert receiver.wait_for(1)[0]["number"] == ORDINARY_NUMBER
    assert sandbox.calls()[0]["callbacks"] == []


def test_an_integer_for_a_request_id(swift: Sandbox, receiver: Receiver) -> None:
    """In the answer, in the callback, and among the calls."""
    request_id = swift.place(INTEGER_ID).json()["requestId"]
    assert type(request_id) is int
    assert receiver.wait_for(1)[0]["requestId"] == request_id
    assert swift.get(f"/sandbox/calls/{request_id}").json()["call"]["requestId"] == request_id


@pytest.mark.parametrize(("number", "field"), LACKING.items())
def test_a_field_is_missing(swift: Sandbox, receiver: Receiver, number: str, field: str) -> None:
    """The rest is there, and the callback knows the requestId."""
    answer = swift.place(number)
    assert answer.status_code == 200
    assert set(answer.json()) == {"requestId", "from", "status"} - {field}
    assert receiver.wait_for(1)[0]["requestId"] == swift.calls()[0]["requestId"]


def test_a_caller_that_does_not_end_in_the_code(swift: Sandbox) -> None:
    """The phone shows what the answer says."""
    assert swift.place(FOREIGN_FROM).json()["from"] == "79179130000"
    assert swift.calls()[0]["from"] == "79179130000"


@pytest.mark.parametrize(
    ("number", "begins", "content_type"),
    [
        (BROKEN, '{"requestId": "', "application/json"),
        (HTML, "<!doctype html>", "text/html; charset=utf-8"),
        (EMPTY, "", "application/json"),
    ],
)
def test_what_is_no_json(
    swift: Sandbox, receiver: Receiver, number: str, begins: str, content_type: str
) -> None:
    """The answer has HTTP 200, and the phone rings."""
    answer = swift.place(number)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.text.startswith(begins)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert receiver.wait_for(1)


def test_a_huge_body(swift: Sandbox, receiver: Receiver) -> None:
    """A success with 10 MB of white space; a client can stop reading."""
    answer = swift.place(HUGE)
    assert len(answer.content) > 10_000_000
    assert answer.json()["requestId"] == receiver.wait_for(1)[0]["requestId"]
    with swift.open(HUGE) as client:
        assert client.recv(10)
    assert receiver.wait_for(2)


def test_a_redirect_that_is_followed_is_remembered(swift: Sandbox) -> None:
    """Its target answers like the page and records the client."""
    answer = swift.place(REDIRECT)
    assert [each.status_code for each in answer.history] == [307]
    assert answer.json()["status"] == "ok"
    first, second = swift.calls(number=REDIRECT)
    assert (first["outcome"], second["outcome"]) == ("redirect", "redirectFollowed")
    assert second["requestId"] == answer.json()["requestId"]


def test_a_redirect_that_is_not_followed(swift: Sandbox) -> None:
    """One call, and an answer without a body."""
    with swift.open(REDIRECT) as client:
        head, _, body = everything(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 307 ")
    assert body == b""
    assert [each["outcome"] for each in swift.calls()] == ["redirect"]


@pytest.mark.parametrize("number", ODD_ERRORS)
def test_errors_in_a_shape_of_their_own(swift: Sandbox, number: str) -> None:
    """The status that HTTP has, and the body that the page does not have."""
    answer = swift.place(number)
    assert (answer.status_code, answer.json()) == ODD_ERRORS[number]
    assert answer.headers.get("Retry-After") == ("7" if number == "79990000344" else None)
    assert swift.calls()[0]["requestId"] is None


@pytest.mark.parametrize(("number", "http_status"), HTTP_ERRORS.items())
def test_http_errors(swift: Sandbox, number: str, http_status: int) -> None:
    """Not in the provider's words, but in those of a server in front of it."""
    answer = swift.place(number)
    assert answer.status_code == http_status
    assert answer.headers["Content-Type"].startswith("text/html")
